/**
 * Measures speed and memory of the library, and writes RESULTS.md.
 *
 *     npm run bench [-- --only many,big] [-- --runs 3] [-- --peers]
 *     npm run bench -- --only s3,lambda,cost
 */
import { readFileSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { figureCases } from './aws.ts'
import type { Case, Side } from './case.ts'
import { cases as textCases } from './cases.ts'
import { buildProduct, emptyFolders, productPath, removeFolders } from './commands.ts'
import { keepFigures } from './figures.ts'
import { generate } from './generate.ts'
import { graphCase } from './graph-case.ts'
import { inflatedBytes, inputPath } from './inputs.ts'
import { keyedCases } from './keyed-cases.ts'
import { limitCases } from './limit-cases.ts'
import { type Measurement, measure } from './measure.ts'
import { installPeers } from './peers.ts'
import { caseTable, keep, resultOf } from './results.ts'
import { signalsCase } from './signals-case.ts'
import { type Summary, summarize } from './summary.ts'
import { expectedFacts } from './verify.ts'

const cases = [...textCases, ...limitCases, ...keyedCases, graphCase, signalsCase]
const options = { only: { type: 'string' }, runs: { type: 'string' }, peers: { type: 'boolean' } } as const
const { only, runs = '3', peers = false } = parseArgs({ options }).values
const names = [...cases, ...figureCases].map(({ name }) => name)
const wanted = only?.split(',') ?? names
const unknown = wanted.find(name => !names.includes(name))
if (unknown !== undefined) throw new Error(`--only ${unknown}: expected ${names.join(', ')}`)

if (peers) installPeers()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
buildProduct()
console.log(`measuring ${productPath}`)
try {
  for (const measured of cases.filter(({ name }) => wanted.includes(name))) {
    const sides = await measureCase(measured)
    const result = resultOf(measured, sides, ['npm run bench --', ...process.argv.slice(2)].join(' '))
    keep(result, names)
    console.log(`\n${caseTable(result)}`)
    for (const { text, value, met } of result.targets) console.log(`${value}  ${text}  ${met}`)
    if (Object.values(sides).some(({ wrong }) => wrong.length > 0)) process.exitCode = 1
  }
  for (const figures of figureCases.filter(({ name }) => wanted.includes(name))) await keepFigures(figures)
} finally {
  removeFolders()
}

function stop(): void {
  removeFolders()
  process.exit(130)
}

/** Measures the sides in turns, so that other work on the machine disturbs all of them alike. */
async function measureCase(measured: Case): Promise<Record<string, Summary>> {
  for (const input of measured.inputs) {
    await generate(input)
    await expectedFacts(input)
    // Brings the file into the page cache; the first run does so for the files of a folder.
    if (statSync(inputPath(input)).isFile()) readFileSync(inputPath(input))
  }
  await measured.setUp?.()
  const sides = [...measured.sides, ...(peers ? (measured.peers ?? []) : [])]
  const taken = sides.map(side => ({ side, measurements: [] as Measurement[], wrong: [] as string[] }))
  for (let run = 0; run < Number(runs); run++)
    for (const { side, measurements, wrong } of taken) {
      if (wrong.length > 0) continue
      const { measurement, differing } = await measureSide(side)
      if (measurement) measurements.push(measurement)
      wrong.push(...differing)
      console.log(`${measured.name}, ${side.label}: ${measurement?.seconds.toFixed(2)} s ${differing.join('; ')}`)
    }
  return Object.fromEntries(
    taken.map(({ side, measurements, wrong }) => [side.label, summaryOf(side, measurements, wrong)]),
  )
}

function summaryOf({ input, check }: Side, measurements: readonly Measurement[], wrong: readonly string[]): Summary {
  return summarize(measurements, {
    inflatedBytes: input && inflatedBytes(input),
    isChecked: check !== undefined,
    wrong,
  })
}

/** Measures a side once. One that fails or writes wrong rows is not measured again. */
async function measureSide(side: Side): Promise<{ measurement?: Measurement; differing: readonly string[] }> {
  emptyFolders()
  try {
    if (side.warmUp) await measure(side.warmUp())
    const measurement = await measure(side.command(), side.mark)
    return { measurement, differing: (await side.check?.()) ?? [] }
  } catch (error) {
    console.error(error)
    return { differing: [String(error).replaceAll(/\S*\//g, '')] }
  }
}
