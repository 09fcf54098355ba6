/** Programs that end while a run goes on. */
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { project } from './project.ts'

const pipeline = (step: string) => `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: '{task}' }),
})${step}
export default pipeline({ name: 't', tasks: [t] })
`
/** A query over all rows takes minutes. */
const slow = pipeline('.sql`select x, list_sum(list_transform(range(1000), n -> (n * x)::double)) as y from input`')
const rows = `x\n${Array.from({ length: 1_000_000 }, (_, row) => `${row}\n`).join('')}`

const mark = "globalThis.process.getBuiltinModule('fs').writeFileSync('hung', '')"
const hung = pipeline(`.mapRows(() => { ${mark}; for (;;); }, { adds: { y: column.int32() } })`)

/** Runs a program whose timer calls `tick` all the time. */
function program(text: string, input: string, tick: string) {
  const { folder } = project(text, { 'a.csv': input, 'b.csv': input })
  const file = join(folder, 'program.mjs')
  const code = `
import { existsSync } from 'node:fs'
import { run } from ${JSON.stringify(join(inject('compiledFolder'), 'lib/fanmill.js'))}
let staged = 0
const onEvent = ({ bytesStaged = 0 }) => { staged = bytesStaged }
const stopping = new AbortController()
setInterval(() => { ${tick} }, 200)
await run('pipeline.ts', { input: '.', output: 'out', workers: 2, onEvent, signal: stopping.signal })
if (stopping.signal.aborted) throw new Error('of the program')
`
  writeFileSync(file, code)
  const { status, signal, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' })
  return { status, signal, stderr, left: readdirSync(join(folder, 'out/.fanmill/tmp')) }
}

const exit = 'process.exit(7)'
const fail = "throw new Error('of the program')"
const exited = { status: 7, signal: null, stderr: '', left: [] }
/** The message of Node, whose first lines are missing where a thread is lost. */
const failed = (start: string) => ({
  ...{ status: 1, signal: null, left: [] },
  stderr: expect.stringMatching(new RegExp(`^${start}Error: of the program\\n[\\s\\S]*\\nNode\\.js v[\\d.]+\\n$`)),
})

it('keeps the exit code of a program that exits during a query', () => {
  expect(program(slow, rows, `if (staged > 0) ${exit}`)).toEqual(exited)
})

it('leaves the end by an uncaught exception during a query to Node', () => {
  expect(program(slow, rows, `if (staged > 0) ${fail}`)).toEqual(failed('file:.*\\n[\\s\\S]*\\n'))
})

it('keeps the exit code of a program that exits during a function that never returns', () => {
  expect(program(hung, 'x\n1\n', `if (existsSync('hung')) ${exit}`)).toEqual(exited)
})

it('prints the uncaught exception of a program during a function that never returns', () => {
  expect(program(hung, 'x\n1\n', `if (existsSync('hung')) ${fail}`)).toEqual(failed(''))
})

it('prints the uncaught exception of a program after a stopped run whose function never returned', () => {
  expect(program(hung, 'x\n1\n', "if (existsSync('hung')) stopping.abort()")).toEqual(failed(''))
})
