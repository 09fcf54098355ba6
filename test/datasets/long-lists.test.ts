/** Datasets with long lists, which programs read some rows at a time. */
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { RecordBatchReader } from 'apache-arrow'
import { beforeAll, expect, it } from 'vitest'
import { type Dataset, openDataset } from '../../lib/index.ts'
import { project } from '../local/project.ts'

const [rowCount, itemCount] = [300, 8192]
const rows = `SELECT i AS id, CASE WHEN i % 5 = 0 THEN NULL ELSE 'n' || i END AS name, i % 2 = 0 AS even,
  CASE WHEN i % 11 = 0 THEN NULL ELSE list_transform(range(${itemCount}), lambda x: x + i / 4) END AS signal,
  [i, NULL] AS holes, ['a', 'b' || i] AS words FROM range(${rowCount}) AS t(i)`
const pipeline = `
import { files, parquet, parquetFiles, pipeline, task } from 'fanmill'
const signals = task({
  name: 'signals',
  source: files({ paths: 'in/*.parquet', format: parquetFiles() }),
  output: parquet({ path: 'signals' }),
})
export default pipeline({ name: 'machines', tasks: [signals] })
`
const signalOf = (id: number): Float64Array | null =>
  id % 11 === 0 ? null : Float64Array.from({ length: itemCount }, (_, x) => x + id / 4)
/** More than a batch may have: the lists of a row group are about equal, but some are null. */
const bytesMax = 5 * 2 ** 20

let dataset: Dataset
beforeAll(async () => {
  const some = project(pipeline, { 'in/.keep': '' })
  const duck = await (await DuckDBInstance.create(':memory:')).connect()
  await duck.run(`COPY (${rows}) TO '${some.folder}/in/all.parquet' (FORMAT parquet)`)
  expect((await some.run()).status).toBe('complete')
  dataset = await openDataset(join(some.out, 'signals'))
})

it('yields batches of a few megabytes, with all rows in order', async () => {
  let id = 0
  for await (const { rowCount: count, columns } of dataset.batches()) {
    const { signal, ...others } = columns as Record<string, readonly unknown[]>
    const bytes = signal!.reduce<number>((sum, list) => sum + ((list as Float64Array | null)?.byteLength ?? 0), 0)
    expect(bytes).toBeLessThan(bytesMax)
    const ids = Array.from({ length: count }, (_, at) => id + at)
    expect(signal).toEqual(ids.map(signalOf))
    expect(others).toEqual({
      id: BigInt64Array.from(ids, BigInt),
      name: ids.map(each => (each % 5 === 0 ? null : `n${each}`)),
      even: ids.map(each => each % 2 === 0),
      holes: ids.map(each => [BigInt(each), null]),
      words: ids.map(each => ['a', `b${each}`]),
    })
    id += count
  }
  expect(id).toBe(rowCount)
})

it('yields Arrow record batches of a few megabytes, with all rows in order', async () => {
  let id = 0
  for await (const batch of await RecordBatchReader.from(dataset.arrow())) {
    expect(batch.data.byteLength).toBeLessThan(bytesMax)
    for (const { signal, ...others } of batch.toArray().map(row => row.toJSON())) {
      expect(signal && Float64Array.from(signal)).toEqual(signalOf(id))
      expect({ ...others, holes: [...others.holes], words: [...others.words] }).toEqual({
        id: BigInt(id),
        name: id % 5 === 0 ? null : `n${id}`,
        even: id % 2 === 0,
        holes: [BigInt(id), null],
        words: ['a', `b${id}`],
      })
      id++
    }
  }
  expect(id).toBe(rowCount)
})

it('yields the same rows one by one', async () => {
  let id = 0
  for await (const { id: read, signal, words } of dataset.rows({ columns: ['id', 'signal', 'words'] })) {
    const expected = signalOf(id)
    expect([read, signal, words]).toEqual([BigInt(id), expected && Array.from(expected), ['a', `b${id}`]])
    id++
  }
  expect(id).toBe(rowCount)
})
