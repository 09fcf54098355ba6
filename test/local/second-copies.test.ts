/** Slices that take far longer than the others, in real threads whose first try of one row does not return. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import type { RunEvent } from '../../lib/index.ts'
import { fanmill } from '../cli/fanmill.ts'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })
/** The time after which a share is slow, far below the usual one. */
const tuning = { slowMsMin: 300 }

interface Tries {
  readonly first: string
  readonly second?: string
}

/** `first` and `second` are what the tries of the slow row do; both may call `until(file)`, which waits in the thread for a file. */
function slowProject({ first, second = '', steps = '' }: Tries & { readonly steps?: string }) {
  const some = project(
    `
import { existsSync, writeFileSync } from 'node:fs'
import { column, count, csv, files, parquet, pipeline, sum, task } from 'fanmill'
const at = (name: string): string => new URL(name, import.meta.url.replace(/out\\/.*/, '')).pathname
const mark = (name: string): boolean => {
  try { writeFileSync(at(name), '', { flag: 'wx' }); return true } catch { return false }
}
const until = (name: string): void => {
  while (!existsSync(at(name))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
}
const crash = (): void => void setTimeout(() => { throw new Error('escaped') })
void [until, crash, count, sum]
function onSlowRow(): void {
  if (mark('first')) { ${first} }
  else if (mark('second')) { ${second} }
}
export const t = task({
  name: 't',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { x: column.int32() },
  rejects: { max: 10 },
  output: parquet({ path: '{task}' }),
}).mapRows(({ x }, ctx) => {
  if (x !== 7) return { even: (x ?? 0) % 2 === 0 }
  ctx.log.info('the slow row')
  onSlowRow()
  return { even: false }
}, { adds: { even: column.boolean() } })${steps}
export default pipeline({ name: 't', tasks: [t] })
`,
    { 'in/0.csv': `x\n${lines(0)}no number\n`, 'in/1.csv': `x\n${lines(1000)}` },
  )
  const release = (): void => writeFileSync(join(some.folder, 'go'), '')
  onTestFinished(release)
  return { ...some, release, wasTried: (name: string) => existsSync(join(some.folder, name)) }
}

const lines = (from: number): string => Array.from({ length: 1000 }, (_, index) => `${from + index}\n`).join('')

/** Runs it, and returns its end with all events. With `lets`, a function that waits returns once the batch is done. */
async function runSlow(some: ReturnType<typeof slowProject>, lets: boolean) {
  const events: RunEvent[] = []
  const onEvent = (event: RunEvent): void => {
    events.push(event)
    if (event.event === 'batch' && lets) some.release()
  }
  const result = await some.run({ onEvent }, tuning)
  const counts = events.filter(event => event.event === 'progress').at(-1)
  const logged = events.filter(event => event.event === 'log' && event.message === 'the slow row')
  return { ...result, counts, logged }
}

describe('a slice that takes far longer than the others', () => {
  it.each([
    [
      'is done by a second copy on an idle thread, when the first does not return',
      { first: `until('go')`, isLost: true },
    ],
    ['is done by the first copy, when the second crashes', { first: `until('second')`, second: 'crash()' }],
    ['is done by the second copy, when the first crashes', { first: `until('second'); crash()` }],
    [
      'counts once, when the first copy ends while the second runs',
      { first: `until('second')`, second: `until('go')` },
    ],
  ])('%s', async (_, { isLost, ...tries }: Tries & { readonly isLost?: boolean }) => {
    const some = slowProject(tries)
    const { status, error, tasks, counts, logged } = await runSlow(some, !isLost)
    expect(error).toBeUndefined()
    expect(status).toBe('complete')
    expect(some.wasTried('second')).toBe(true)
    expect(tasks).toMatchObject([{ rowsRead: 2000, rowsWritten: 2000, rowsRejected: 1, parts: 1 }])
    expect(counts).toMatchObject({ rowsWritten: 2000, rowsRejected: 1 })
    expect(logged).toHaveLength(1)
    const rows = await some.rows()
    expect(rows.map(({ x }) => x).sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 2000 }, (_, x) => x),
    )
    expect(some.outputFiles()).toHaveLength(2)
    expect(some.leftovers()).toEqual([])
  })

  it('lets a program end with its exit code although the copy that was given up never returns', async () => {
    const { folder } = slowProject({ first: `until('go')` })
    const program = join(folder, 'program.mjs')
    const text = `
import { run } from ${JSON.stringify(join(inject('compiledFolder'), 'lib/local/run.js'))}
const warnings = []
const onEvent = event => { if (event.event === 'log' && event.level === 'warn') warnings.push(event.message) }
const { status } = await run('pipeline.ts', { input: '.', output: 'out', workers: 2, onEvent }, ${JSON.stringify(tuning)})
console.log(JSON.stringify({ status, warnings }))
process.exitCode = 3
`
    writeFileSync(program, text)
    const { code, stdout, stderr } = await fanmill([], { main: program, cwd: folder })
    expect(stderr).toBe('')
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toEqual({
      status: 'complete',
      warnings: [
        expect.stringMatching(/^a second copy of slices? .+ of batch 0 begins, because the first has not ended after/),
        expect.stringMatching(/^the first copy of slices? .+ of batch 0 does not end although it is not needed/),
      ],
    })
  })

  it('sends the rows of one copy alone to an exchange', async () => {
    const reduce = `.reduce({ by: ['even'], measures: { n: count(), total: sum('x') } })`
    const some = slowProject({ first: `until('go')`, steps: reduce })
    expect(await runSlow(some, true)).toMatchObject({ status: 'complete', tasks: [{ rowsRejected: 1 }] })
    expect(some.wasTried('second')).toBe(true)
    expect((await some.rows()).toSorted((a, b) => Number(a.even) - Number(b.even))).toMatchObject([
      { even: false, n: 1000n, total: 1_000_000n },
      { even: true, n: 1000n, total: 999_000n },
    ])
  })
})
