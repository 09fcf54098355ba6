/** Parquet files of other programs, whose statistics leave out NaN, which is greater than every number, or are wrong. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { sqlRows } from '../../lib/datasets/sql-query.ts'
import { openDataset, sql } from '../../lib/index.ts'
import { parquetOf } from '../engine/converting.ts'
import { type Project, project } from './project.ts'

/** A hundred rows: `f` is `v`, or NaN in each tenth row. The statistics say that `v` is at most 9, and `f` at most 99. */
const file = readFileSync('test/fixtures/parquet/wrong_statistics.parquet')
const tenths = Array.from({ length: 10 }, (_, at) => 10 * at)
const type = { type: 'struct', fields: [{ name: 'f', type: 'double', nullable: true, metadata: {} }] }
const list = { type: 'array', elementType: 'double', containsNull: true }
const fields = Object.entries({ v: 'integer', f: 'double', s: type, l: list })
const schemaString = JSON.stringify({
  type: 'struct',
  fields: fields.map(([name, type]) => ({ name, type, nullable: true, metadata: {} })),
})
const format = { provider: 'parquet', options: {} }
const log = [
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  { metaData: { id: 'readings', format, schemaString, partitionColumns: [], configuration: {} } },
  { add: { path: 'a.parquet', partitionValues: {}, size: file.length, modificationTime: 0, dataChange: true } },
]

const pipeline = `
import { count, deltaTable, files, max, parquet, parquetFiles, pipeline, sql, task } from 'fanmill'
const source = files({ paths: 'in/*.parquet', format: parquetFiles() })
const table = deltaTable({ path: 'table' })
const where = sql\`f > 100 and s.f > 100 and l[1] > 100\`
const nan = task({ name: 'nan', source, where, output: parquet({ path: 'nan' }) })
const steps = task({ name: 'steps', source: table, output: parquet({ path: 'steps' }) }).sql\`select * from input where f > 100\`
const late = task({ name: 'late', source, where: sql\`v > 50\`, output: parquet({ path: 'late' }) })
const sorted = task({ name: 'sorted', source, output: parquet({ path: 'sorted', sortBy: { columns: ['v'], global: true } }) })
const keys = task({ name: 'keys', source, output: parquet({ path: 'keys' }) }).reduce({ by: ['v'], measures: { n: count(), last: max('f') } })
export default pipeline({ name: 'readings', tasks: [nan, steps, late, sorted, keys] })`

describe('statistics of other programs', () => {
  let made: Project
  beforeAll(async () => {
    const text = log.map(action => JSON.stringify(action)).join('\n')
    made = project(pipeline, {
      'in/a.parquet': file,
      'table/a.parquet': file,
      'table/_delta_log/00000000000000000000.json': text,
    })
    expect((await made.run()).status).toBe('complete')
  })
  const numbers = async (path: string) => (await made.rows(path)).map(({ v }) => Number(v)).sort((a, b) => a - b)

  it('leave out no row with NaN, of files and of Delta tables', async () => {
    expect(await numbers('nan')).toEqual(tenths)
    expect(await numbers('steps')).toEqual(tenths)
  })

  it('leave out no row with NaN when a dataset is opened, or queried by SQL', async () => {
    const where = sql`f > 100 and s.f > 100 and l[1] > 100`
    const table = join(made.folder, 'table')
    const rows = await Array.fromAsync((await openDataset(table)).rows({ where }))
    expect(rows.map(({ v }) => v)).toEqual(tenths)
    const statement = 'select v from t where f > 100 and s.f > 100 and l[1] > 100 order by v'
    const found = await sqlRows(statement, { datasets: { t: table } })
    expect(found.rows.map(([v]) => Number(v))).toEqual(tenths)
  })

  it('decide neither which rows meet a condition nor how numbers are sorted and grouped', async () => {
    const all = Array.from({ length: 100 }, (_, at) => at)
    expect(await numbers('late')).toEqual(all.slice(51))
    expect((await made.rows('sorted')).map(({ v }) => v)).toEqual(all)
    expect(await numbers('keys')).toEqual(all)
  })
})

/** Returns the folder of a Delta table of one file. */
function tableOf(bytes: Uint8Array, types: Readonly<Record<string, string>>): string {
  const fields = Object.entries(types).map(([name, type]) => ({ name, type, nullable: true, metadata: {} }))
  const metaData = { ...log[1]?.metaData, schemaString: JSON.stringify({ type: 'struct', fields }) }
  const actions = [log[0], { metaData }, { add: { ...log[2]?.add, size: bytes.length } }]
  const text = actions.map(action => JSON.stringify(action)).join('\n')
  const files = { 'table/a.parquet': bytes, 'table/_delta_log/00000000000000000000.json': text }
  return join(project('', files).folder, 'table')
}

describe('a Delta table of another program', () => {
  it('has rows with bytes whose Bloom filters have no text that the engine prints of them', async () => {
    const value = "unhex(CASE WHEN range % 2 = 0 THEN 'ff00' ELSE '61' END)"
    const bytes = await parquetOf(`SELECT CAST(range AS INTEGER) AS v, ${value} AS b FROM range(400)`)
    const table = tableOf(bytes, { v: 'integer', b: 'binary' })
    const rows = (await openDataset(table)).rows({ where: sql`b = unhex('ff00')` })
    expect(await Array.fromAsync(rows)).toHaveLength(200)
    const found = await sqlRows("select count(*) from t where b = unhex('ff00')", { datasets: { t: table } })
    expect(found.rows).toEqual([['200']])
  })

  it('has timestamps with a zone also where those of its files have 96 bits', async () => {
    const bytes = readFileSync('test/fixtures/parquet/int96_ns.parquet')
    const table = tableOf(bytes, { v: 'timestamp', n: 'integer' })
    const where = sql`cast(v as varchar) = '1970-01-01 00:00:00.000001+00'`
    const rows = await Array.fromAsync((await openDataset(table)).rows({ where }))
    expect(rows.map(({ n }) => n)).toEqual([0, 2])
    const found = await sqlRows('select v from t where n = 0', { datasets: { t: table } })
    expect([found.columns, found.rows]).toEqual([
      [{ name: 'v', type: 'timestamptz' }],
      [['1970-01-01 00:00:00.000001+00']],
    ])
  })
})
