/** The parts of a dataset as the input of another task. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDataset } from '../../lib/index.ts'
import { project } from '../local/project.ts'

const pipeline = (upstream: string, copy = '') => `
import { column, csv, files, parquet, partitionsOf, pipeline, sql, task } from 'fanmill'
const sales = task({
  name: 'sales',
  source: files({ paths: '*.csv', format: csv() }),
  onMissingColumn: 'null',
  ${upstream}
})
const copy = task({ name: 'copy', source: partitionsOf(sales), output: parquet({ path: 'copy' }) })${copy}
export default pipeline({ name: 'shops', tasks: [sales, copy] })
`

const typed = `columns: { day: column.date(), shop: column.int32(), at: column.timestamp(), price: column.decimal(8, 2) },
  output: parquet({ path: 'sales', mode: 'append', partitionBy: ['day', 'shop'] }),`

const rowsIn = async (folder: string) => Array.fromAsync((await openDataset(folder)).rows())

describe('parts of a dataset', () => {
  it('have the columns of the dataset with their types, those of partitionBy included', async () => {
    const some = project(pipeline(typed), {
      'a.csv': 'day,shop,at,price\n2024-01-31,7,2024-01-31 10:00:00.123456,1.10\n,,2024-01-31 10:00:00,\n',
    })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(some.manifest('copy').schema).toEqual(some.manifest('sales').schema)
    const sorted = (rows: object[]) => rows.map(row => JSON.stringify(row)).sort()
    expect(sorted(await rowsIn(join(some.out, 'copy')))).toEqual(sorted(await rowsIn(join(some.out, 'sales'))))
  })

  it('have null in columns that later runs added', async () => {
    const first = typed.replace(', price: column.decimal(8, 2)', '').replace(", partitionBy: ['day', 'shop']", '')
    const some = project(pipeline(first), { 'a.csv': 'day,shop,at\n2024-01-31,7,2024-01-31 10:00:00\n' })
    await some.run()
    some.write({ 'pipeline.ts': pipeline(typed.replace(", partitionBy: ['day', 'shop']", '')) })
    some.write({ 'b.csv': 'day,shop,at,price\n2024-01-31,8,2024-01-31 10:00:00,1.50\n' })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect((await rowsIn(join(some.out, 'copy'))).map(({ shop, price }) => [shop, price === null])).toEqual(
      expect.arrayContaining([
        [7, true],
        [8, false],
      ]),
    )
  })

  it('are opened where they are, and fail with DATASET_DAMAGED when something else wrote over one', async () => {
    const some = project(pipeline(typed), { 'a.csv': 'day,shop,at,price\n2024-01-31,7,2024-01-31 10:00:00,1.10\n' })
    await some.run({ task: 'sales' })
    const [part] = some.manifest('sales').parts
    const path = join(some.out, 'sales', part!.key)
    chmodSync(path, 0o400)
    expect(await some.run({ task: 'copy' })).toMatchObject({ status: 'complete' })
    const bytes = readFileSync(path)
    rmSync(path)
    writeFileSync(path, bytes.subarray(1))
    some.write({ 'pipeline.ts': pipeline(typed, '.sql`select * from input where shop > 0`') })
    expect(await some.run({ task: 'copy' })).toMatchObject({ status: 'failed', error: { code: 'DATASET_DAMAGED' } })
  })

  it('are filtered and rejected like the rows of a file where columns are declared', async () => {
    const declared = pipeline(typed).replace(
      'source: partitionsOf(sales),',
      'source: partitionsOf(sales), columns: { shop: column.int8(), price: column.string() }, rejects: { max: 1 },',
    )
    const some = project(declared, {
      'a.csv': 'day,shop,at,price\n2024-01-31,7,2024-01-31 10:00:00,1.10\n2024-01-31,700,2024-01-31 10:00:00,1.10\n',
    })
    const { tasks } = await some.run()
    expect(tasks[1]).toMatchObject({ status: 'complete', rowsRead: 1, rowsRejected: 1 })
    expect(await rowsIn(join(some.out, 'copy'))).toEqual([{ shop: 7, price: '1.10' }])
  })

  it('are read by another pipeline from the path of the dataset', async () => {
    const some = project(pipeline(typed), { 'a.csv': 'day,shop,at,price\n2024-01-31,7,2024-01-31 10:00:00,1.10\n' })
    await some.run({ task: 'sales' })
    const other = (path: string) => `
import { parquet, partitionsOf, pipeline, task } from 'fanmill'
const source = partitionsOf({ path: '${path}', root: 'output' }, { columns: ['shop', 'price'] })
export default pipeline({ name: 'other', tasks: [task({ name: 'prices', source, output: parquet({ path: 'prices' }) })] })
`
    some.write({ 'pipeline.ts': other('sales') })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(await rowsIn(join(some.out, 'prices'))).toEqual([{ shop: 7, price: '1.10' }])
    expect(await some.run()).toMatchObject({ status: 'skipped' })
    some.write({ 'pipeline.ts': other('nothing') })
    await expect(some.run()).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: expect.stringContaining('check path and root'),
    })
  })
})
