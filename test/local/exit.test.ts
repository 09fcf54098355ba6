/** Programs that end while a run goes on. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { project } from './project.ts'

/** A query over all rows takes minutes. */
const pipeline = `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: '{task}' }),
}).sql\`select x, list_sum(list_transform(range(3000), n -> (n * x)::double)) as y from input\`
export default pipeline({ name: 't', tasks: [t] })
`
const rows = `x\n${Array.from({ length: 1_000_000 }, (_, row) => `${row}\n`).join('')}`

/** Runs a program that ends when rows were staged. */
function endDuringRun(end: string) {
  const { folder } = project(pipeline, { 'a.csv': rows, 'b.csv': rows })
  const program = join(folder, 'program.mjs')
  const text = `
import { run } from ${JSON.stringify(join(inject('compiledFolder'), 'lib/fanmill.js'))}
const end = () => { ${end} }
const onEvent = ({ bytesStaged }) => { if (bytesStaged > 0) setTimeout(end, 200) }
console.log((await run('pipeline.ts', { input: '.', output: 'out', workers: 2, onEvent })).status)
`
  writeFileSync(program, text)
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program], { cwd: folder, encoding: 'utf8' })
  return { status, signal, stdout, stderr }
}

it('keeps the exit code of a program that exits during a query', () => {
  expect(endDuringRun('process.exit(7)')).toMatchObject({ status: 7, signal: null, stdout: '', stderr: '' })
})

it('leaves the end by an uncaught exception during a query to Node', () => {
  const { status, signal, stderr } = endDuringRun("throw new Error('of the program')")
  expect([status, signal]).toEqual([1, null])
  expect(stderr).toMatch(/^file:.*\n[\s\S]*Error: of the program\n[\s\S]*\nNode\.js v[\d.]+\n$/)
})
