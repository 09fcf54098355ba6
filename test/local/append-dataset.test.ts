/** Tasks that append what another task has written, which may write other rows in place of them. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DatasetRow, openDataset } from '../../lib/index.ts'
import { type Project, project } from './project.ts'

const pipeline = ({ upstream = `parquet({ path: 'sales/{month}' })`, more = '', factor = 1 } = {}) => `
import { column, csv, delta, files, param, parquet, partitionsOf, pipeline, task } from 'fanmill'
const sales = task({
  name: 'sales',
  params: { month: param.month() },
  source: files({ paths: '{month}/*.csv', format: csv() }),
  columns: { shop: column.int32(), total: column.int32() },
  output: ${upstream},
}).mapRows(row => ({ ...row, total: row.total * ${factor} }))
const kept = task({ name: 'kept', source: partitionsOf(sales), output: parquet({ path: 'kept', mode: 'append' }) })
const table = task({ name: 'table', source: partitionsOf(sales), output: delta({ path: 'table', mode: 'append' }) })
${more}
export default pipeline({ name: 'shops', tasks: [sales, kept, table] })
`
const input = { '2024-01/a.csv': 'shop,total\n1,5\n2,7\n', '2024-02/a.csv': 'shop,total\n1,9\n' }
const january = { params: { month: '2024-01' } }

async function totals(some: Project, path: string): Promise<unknown[]> {
  const rows: DatasetRow[] = await Array.fromAsync((await openDataset(join(some.out, path))).rows())
  return rows.map(({ total }) => total).toSorted((a, b) => Number(a) - Number(b))
}

/** Runs a month, and returns how the appending tasks ended, and the code of the first error. */
async function endOf(some: Project, options: object): Promise<unknown[]> {
  const { tasks, error } = await some.run(options)
  const statusOf = (name: string) => tasks.find(({ task }) => task === name)?.status
  return [statusOf('kept'), statusOf('table'), error?.code]
}

describe('a task that appends rows of another task', () => {
  const refused = ['failed', 'failed', 'INPUT_ALREADY_APPENDED']
  const complete = ['complete', 'complete', undefined]

  it('has the rows of each month once, when the other one has a dataset for each', async () => {
    const some = project(pipeline(), input)
    for (const month of [['2024-01', '2024-02'], '2024-01'])
      expect(await some.run({ params: { month } })).toMatchObject({ status: expect.stringMatching(/complete|skipped/) })
    expect(await totals(some, 'kept')).toEqual([5, 7, 9])
    expect(await totals(some, 'table')).toEqual([5, 7, 9])
  })

  it.each([
    ['an input was edited', { '2024-01/a.csv': 'shop,total\n1,5\n2,8\n' }, [5, 8]],
    ['an input was added', { '2024-01/b.csv': 'shop,total\n3,8\n' }, [5, 7, 8]],
    ['its code was edited', { 'pipeline.ts': pipeline({ factor: 2 }) }, [10, 14]],
  ])('does not append its rows a second time after %s, and replaces them when it is forced', async (_, edit, now) => {
    const some = project(pipeline(), input)
    for (const month of ['2024-01', '2024-02']) await some.run({ params: { month } })
    some.write(edit)
    expect(await endOf(some, january)).toEqual(refused)
    expect(await totals(some, 'kept')).toEqual([5, 7, 9])
    expect(await totals(some, 'table')).toEqual([5, 7, 9])
    expect(await endOf(some, { ...january, force: true })).toEqual(complete)
    expect(await totals(some, 'kept')).toEqual([...now, 9].toSorted((a, b) => a - b))
    expect(await totals(some, 'table')).toEqual([...now, 9].toSorted((a, b) => a - b))
  })

  it('does not append partitions of which a later run has replaced all that it has appended', async () => {
    const upstream = `parquet({ path: 'sales/{month}', partitionBy: ['shop'], mode: 'replacePartitions' })`
    const some = project(pipeline({ upstream }), { '2024-01/a.csv': 'shop,total\n1,5\n' })
    expect(await endOf(some, january)).toEqual(complete)
    some.write({ '2024-01/a.csv': 'shop,total\n1,6\n' })
    expect(await endOf(some, january)).toEqual(refused)
    expect(await totals(some, 'kept')).toEqual([5])
  })

  it('does not append what another one has appended anew because it was forced', async () => {
    const upstream = `parquet({ path: 'sales/{month}', mode: 'append' })`
    const some = project(pipeline({ upstream }), input)
    expect(await endOf(some, january)).toEqual(complete)
    some.write({ '2024-01/a.csv': 'shop,total\n1,6\n' })
    await some.run({ ...january, task: 'sales', force: true })
    expect(await endOf(some, january)).toEqual(refused)
    expect(await totals(some, 'sales/2024-01')).toEqual([6])
  })
})
