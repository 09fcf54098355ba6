/** Datasets whose rows are in order over all parts, over real files and worker threads. */
import { describe, expect, it } from 'vitest'
import { duckdb } from './compare.ts'
import { project } from './project.ts'

const pipeline = (sortBy: string, options = '') => `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export default pipeline({ name: 'p', tasks: [task({
  name: 'sorted',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { name: column.string(), weight: column.float64(), day: column.int32(), id: column.int64() },
  output: parquet({ path: 'sorted', sortBy: ${sortBy}, ${options} }),
})] })
`

/** Names of several lengths and languages, of which one is that of half of all rows; numbers with NaN, infinities and gaps. */
function csvOf(file: number, rows: number): string {
  const lines = ['name,weight,day,id']
  for (let at = 0; at < rows; at++) {
    const row = file * rows + at
    const many = `${['Å', 'a', 'Z', 'ab', 'ß'][row % 5]}${'x'.repeat(row % 90)}${(row * 7919) % 1009}`
    const name = row % 2 === 0 ? 'same' : row % 17 === 0 ? '' : many
    const weight =
      row % 13 === 0 ? '' : (['nan', 'inf', '-inf', '-0.0', '0.0'][row % 29] ?? Math.sin(row) * 10 ** (row % 7))
    lines.push(`${name},${weight},${row % 5 === 0 ? '' : row % 31},${row}`)
  }
  return `${lines.join('\n')}\n`
}

const rowsEach = 20_000
const input = Object.fromEntries([0, 1, 2].map(file => [`in/${file}.csv`, csvOf(file, rowsEach)]))
const source = `read_csv('in/*.csv', types = {name: 'VARCHAR', weight: 'DOUBLE', day: 'INT', id: 'BIGINT'})`

/** Several slices and batches in each stage. */
const tuning = { groupBytes: 300_000 }

describe('sortBy with global', () => {
  it.each([
    [
      2,
      `{ columns: ['name', 'weight'], descending: ['weight'], global: true }`,
      'name NULLS LAST, weight DESC NULLS LAST',
    ],
    [1, `{ columns: ['weight', 'day', 'id'], global: true }`, 'weight NULLS LAST, day NULLS LAST, id NULLS LAST'],
    [
      2,
      `{ columns: ['day', 'name'], descending: ['day', 'name'], global: true }`,
      'day DESC NULLS LAST, name DESC NULLS LAST',
    ],
  ])('orders the rows of all parts as one query does, with %i workers: %s', async (workers, sortBy, order) => {
    const some = project(pipeline(sortBy, 'rowGroupRows: 2048, partBytes: 40_000'), input)
    const { tasks } = await some.run({ workers }, tuning)
    expect(tasks[0]).toMatchObject({ status: 'complete' })

    const { parts, order: said, totals } = some.manifest('sorted')
    expect(totals).toMatchObject({ rows: 3 * rowsEach, rowsRead: 3 * rowsEach, rowsFiltered: 0 })
    expect(parts.length).toBeGreaterThan(3)
    // Names of parts, their order in the manifest and the order of the rows agree.
    expect(parts.map(({ key }) => key)).toEqual(parts.map(({ key }) => key).toSorted())
    expect(said?.columns.length).toBeGreaterThan(1)
    const keys = said!.columns.join(', ')
    const list = parts.map(({ key }) => `'out/sorted/${key}'`).join(', ')
    const found = await duckdb(some.folder, `select ${keys} from read_parquet([${list}])`)
    const expected = await duckdb(some.folder, `select ${keys} from ${source} order by ${order}`)
    const texts = (rows: typeof found) => rows.map(row => said!.columns.map(name => String(row[name])).join('|'))
    expect(texts(found).join('\n') === texts(expected).join('\n')).toBe(true)
    const [all] = await duckdb(
      some.folder,
      `select count(*) as n, count(distinct id) as ids from read_parquet([${list}])`,
    )
    expect([Number(all?.n), Number(all?.ids)]).toEqual([3 * rowsEach, 3 * rowsEach])
  })

  it('writes an empty dataset of no rows', async () => {
    const some = project(pipeline(`{ columns: ['day'], global: true }`), { 'in/0.csv': 'name,weight,day,id\n' })
    await some.run({}, tuning)
    expect(some.manifest('sorted')).toMatchObject({ order: { columns: ['day'], descending: [] }, totals: { rows: 0 } })
    expect(await some.rows('sorted')).toEqual([])
  })
})
