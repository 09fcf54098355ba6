/** Datasets that only other tasks of the pipeline read. */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DatasetRow, openDataset } from '../../lib/index.ts'
import { type Project, project } from './project.ts'

const pipeline = (limit = 5) => `
import { column, csv, files, parquet, partitionsOf, pipeline, sql, task, temporary } from 'fanmill'
const clean = task({
  name: 'clean',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { id: column.int64({ required: true }), city: column.string() },
  output: temporary({ partitionBy: ['city'] }),
}).sql\`select id, upper(city) as city from input\`
const large = task({ name: 'large', source: partitionsOf(clean), output: parquet({ path: '{task}' }) })
  .sql\`select * from input where id >= ${limit}\`
const small = task({ name: 'small', source: partitionsOf(clean), output: parquet({ path: '{task}' }) })
  .sql\`select * from input where id < 5\`
export default pipeline({ name: 'p', tasks: [clean, large, small] })
`
const csvOf = (first: number, count: number): string =>
  `id,city\n${Array.from({ length: count }, (_, index) => `${first + index},${index % 2 ? 'Oslo' : 'Rome'}\n`).join('')}`

const statesOf = async (some: Project, options = {}): Promise<string[]> =>
  (await some.run(options)).tasks.map(({ task, status }) => `${task} ${status}`)

/** Parts of temporary datasets. */
const parts = ({ out }: Project): string[] =>
  readdirSync(join(out, '.fanmill/temporary'), { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.parquet'),
  )

async function idsOf({ out }: Project, path: string): Promise<number[]> {
  const rows: DatasetRow[] = await Array.fromAsync((await openDataset(join(out, path))).rows())
  return rows.map(row => Number(row.id)).sort((a, b) => a - b)
}

describe('temporary', () => {
  it('is read by other tasks, and its rows are removed when all of them are complete', async () => {
    const some = project(pipeline(), { 'in/a.csv': csvOf(0, 10) })
    expect(await statesOf(some)).toEqual(['clean complete', 'large complete', 'small complete'])
    expect([await idsOf(some, 'large'), await idsOf(some, 'small')]).toEqual([
      [5, 6, 7, 8, 9],
      [0, 1, 2, 3, 4],
    ])
    expect(parts(some)).toEqual([])
    expect(some.outputFiles().filter(name => !/^(large|small)\//.test(name))).toEqual([])
    // Nothing is to be done, though the rows are gone.
    expect(await statesOf(some)).toEqual(['clean skipped', 'large skipped', 'small skipped'])
    expect(parts(some)).toEqual([])
  })

  it('is written again when one of the tasks has other code, and the others are not run again', async () => {
    const some = project(pipeline(), { 'in/a.csv': csvOf(0, 10) })
    await some.run()
    some.write({ 'pipeline.ts': pipeline(8) })
    expect(await statesOf(some)).toEqual(['clean skipped', 'large complete', 'small skipped'])
    expect(await idsOf(some, 'large')).toEqual([8, 9])
    expect(parts(some)).toEqual([])
    expect(await statesOf(some)).toEqual(['clean skipped', 'large skipped', 'small skipped'])
  })

  it('is written again with another one that the same task reads', async () => {
    const towns = `const towns = task({
  name: 'towns',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { id: column.int64({ required: true }) },
  output: temporary(),
})
const large = task({ name: 'large', source: joinOf({ left: clean, right: towns }, { on: ['id'] })`
    const joined = (limit?: number): string =>
      pipeline(limit)
        .replace('files, ', 'files, joinOf, ')
        .replace(`const large = task({ name: 'large', source: partitionsOf(clean)`, towns)
        .replace('[clean,', '[clean, towns,')
    const some = project(joined(), { 'in/a.csv': csvOf(0, 10) })
    await some.run()
    expect(parts(some)).toEqual([])
    some.write({ 'pipeline.ts': joined(8) })
    expect(await statesOf(some)).toEqual(['clean skipped', 'towns skipped', 'large complete', 'small skipped'])
    expect(await idsOf(some, 'large')).toEqual([8, 9])
    expect(parts(some)).toEqual([])
  })

  it('runs again with all that reads it when its inputs change', async () => {
    const some = project(pipeline(), { 'in/a.csv': csvOf(0, 10) })
    await some.run()
    appendFileSync(join(some.folder, 'in/a.csv'), '11,Oslo\n')
    expect(await statesOf(some)).toEqual(['clean complete', 'large complete', 'small complete'])
    expect(await idsOf(some, 'large')).toEqual([5, 6, 7, 8, 9, 11])
    expect(parts(some)).toEqual([])
  })

  it('keeps its rows with keep, and while a task that reads it has not run', async () => {
    const some = project(pipeline(), { 'in/a.csv': csvOf(0, 10) })
    await some.run({ keep: true })
    expect(parts(some)).toHaveLength(2)
    const other = project(pipeline(), { 'in/a.csv': csvOf(0, 10) })
    await other.run({ task: 'clean' })
    await other.run({ task: 'large' })
    expect(parts(other)).toHaveLength(2)
    expect(readFileSync(join(other.out, 'large/_SUCCESS'), 'utf8')).toContain('"rows": 5')
  })
})
