import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { column, csv, files, jsonLines, parquet, sql, zipMembers } from '../../lib/define/index.ts'
import type { ParquetOptions } from '../../lib/define/outputs/output.ts'
import { registerPartitionKeys, TooManyKeys } from '../../lib/engine/write/partition-keys.ts'
import { writeParts } from '../../lib/engine/write/write-parts.ts'
import { partitionFolder } from '../../lib/paths/partition-path.ts'
import { buildZip } from '../zip-builder.ts'
import { convertTask, mapRows, taskOf, withShares } from './converting.ts'

const columns = { k: column.string(), n: column.int32() }
const by = (partitionBy: readonly string[], options: Partial<ParquetOptions> = {}) =>
  parquet({ path: 'out', partitionBy, ...options })
// biome-ignore lint/suspicious/noExplicitAny: the rows of a step in a list have no type
type Row = any

const rowsOf = (values: readonly string[]): string => `k,n\n${values.map((k, n) => `"${k}",${n}\n`).join('')}`
const distinct = (count: number): string => rowsOf(Array.from({ length: count }, (_, n) => `k${n}`))

describe('a partition value', () => {
  it('may be as long as a folder name, in any script', async () => {
    const values = ['日'.repeat(30), '日'.repeat(84), 'L'.repeat(253), '😀'.repeat(63)]
    const { parts } = await convertTask(taskOf({ columns, output: by(['k']) }), {
      inputs: { 'x.csv': rowsOf(values) },
    })
    expect(parts.map(part => part.partition.k).sort()).toEqual([...values].sort())
  })

  it.each([
    ['letters', 'L'.repeat(254), 256],
    ['characters of three bytes', '日'.repeat(85), 257],
    ['characters that are escaped', '#'.repeat(85), 257],
    ['dots, which are all escaped', '.'.repeat(85), 257],
  ])('is refused with its line and lengths when a folder cannot be named after it: %s', async (_, value, bytes) => {
    const inputs = { 'x.csv': rowsOf(['a', 'b', value, 'c', value]) }
    const running = convertTask(taskOf({ columns, output: by(['k']) }), { inputs })
    await expect(running).rejects.toMatchObject({
      code: 'PARTITION_TOO_LONG',
      detail: { archive: 'x.csv', line: 4, column: 'k', bytes, bytesMax: 255, valueCharacters: [...value].length },
      message: expect.stringMatching(/^x\.csv, line 4: column k: expected a value .* shorten it in the transform/),
    })
    await expect(running).rejects.toMatchObject({
      detail: { received: value.slice(0, 40) },
      message: expect.not.stringContaining(value.slice(0, 10)),
    })
  })

  it('is refused when the folders of all columns together are too long for a key', async () => {
    const text = `a,b,c,d,e,n\n${['x'.repeat(240), 'y'.repeat(240), 'z'.repeat(230), 'u'.repeat(230), 'v'.repeat(240), '1'].join(',')}\n`
    const types = { ...Object.fromEntries([...'abcde'].map(name => [name, column.string()])), n: column.int32() }
    const running = convertTask(taskOf({ columns: types, output: by([...'abcde']) }), {
      inputs: { 'x.csv': text },
      folderBytesMax: 900,
    })
    await expect(running).rejects.toMatchObject({
      code: 'PARTITION_TOO_LONG',
      detail: { line: 2, bytesMax: 900 },
      message: expect.stringContaining('the folders of all partition columns'),
    })
  })

  it('is measured in a column that SQL or a map function makes, too', async () => {
    const inputs = { 'x.csv': rowsOf(['a', 'b']) }
    const long = sql`select *, repeat(k, 300) as made from input`
    await expect(convertTask(taskOf({ columns, transform: long, output: by(['made']) }), { inputs })).rejects.toThrow(
      /line 2: column made: expected a value that a folder can be named after/,
    )
    const mapped = mapRows((row: Row) => ({ made: row.k.repeat(300) }), {
      adds: { made: column.string() },
    })
    await expect(convertTask(taskOf({ columns, transform: mapped, output: by(['made']) }), { inputs })).rejects.toThrow(
      /line 2: column made: expected a value that a folder can be named after/,
    )
  })
})

describe('too many partitions', () => {
  it('are counted, and named with their file and column', async () => {
    const running = convertTask(taskOf({ columns, output: by(['k'], { partitionsMax: 20 }) }), {
      inputs: { 'x.csv': distinct(1500) },
    })
    await expect(running).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'TOO_MANY_PARTITIONS',
      message:
        'x.csv: partitionBy k: expected at most 20 partitions in a run, got 1,500 in 1,500 rows; partition by something coarser, or raise partitionsMax',
      detail: { partitionBy: ['k'], partitions: 1500, partitionsMax: 20 },
    })
  })

  it('name the column that has the most values', async () => {
    const transform = sql`select n % 3 as third, k, n from input`
    const running = convertTask(taskOf({ columns, transform, output: by(['third', 'k'], { partitionsMax: 20 }) }), {
      inputs: { 'x.csv': distinct(50) },
    })
    await expect(running).rejects.toThrow('got 50 in 50 rows, most of them by k;')
  })

  it('are found behind map functions that drop or multiply rows', async () => {
    const transform = mapRows(({ n }: Row) => (n % 2 === 0 ? null : [{ k: `a${n}` }, { k: `b${n}` }]), {
      adds: { k: column.string() },
    })
    const running = convertTask(taskOf({ columns, transform, output: by(['k'], { partitionsMax: 9 }) }), {
      inputs: { 'x.csv': distinct(10) },
    })
    await expect(running).rejects.toMatchObject({ code: 'TOO_MANY_PARTITIONS', detail: { partitions: 10 } })
  })

  it('do not count those of rows that are rejected', async () => {
    const text = `k,n\n${Array.from({ length: 60 }, (_, n) => `k${n},${n < 20 ? n : 'x'}\n`).join('')}`
    const definition = taskOf({ columns, rejects: { max: 100 }, output: by(['k'], { partitionsMax: 20 }) })
    const { parts, rejects } = await convertTask(definition, { inputs: { 'x.csv': text } })
    expect([parts.length, rejects.length]).toEqual([20, 40])
  })

  it('stop the query before a file is opened', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fanmill-partitions-'))
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
    try {
      const options = {
        ...({
          partitionBy: ['k'],
          sortBy: [],
          compression: 'zstd',
          rowGroupRows: 122_880,
          bloomFilters: true,
        } as const),
        partitionsMax: 20,
        partBytes: 1e6,
      }
      const keys = registerPartitionKeys(connection, options)
      keys.begin({ folderBytesMax: 1000 })
      const query = { sql: 'SELECT range // 5000 AS k, range AS n FROM range(400000)', values: [] }
      await expect(writeParts(connection, query, join(folder, 'out'), { ...options, keys })).rejects.toThrow(
        TooManyKeys,
      )
      expect(readdirSync(join(folder, 'out'), { recursive: true })).toEqual([])
    } finally {
      connection.closeSync()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('are counted over all shares, each of which has few', async () => {
    const inputs = Object.fromEntries(
      Array.from({ length: 4 }, (_, m) => {
        const values = Array.from({ length: 10 }, (_, n) => `${m}-${n}`)
        return [`${m}.zip`, buildZip({ 'm.csv': rowsOf(values) })]
      }),
    )
    const source = zipMembers({ paths: '*.zip', format: csv() })
    const given = { inputs, shares: 4 }
    const of = (partitionsMax: number) => taskOf({ source, columns, output: by(['k'], { partitionsMax }) })
    expect((await convertTask(of(40), given)).parts).toHaveLength(40)
    await expect(convertTask(of(39), given)).rejects.toMatchObject({
      code: 'TOO_MANY_PARTITIONS',
      detail: { partitions: 40 },
      message: expect.stringContaining('got at least 40;'),
    })
  })
})

it('returns every value to a reader that reads partitions from the names of folders', async () => {
  const source = files({ paths: '*', format: jsonLines() })
  const odd = [
    'a/b',
    'a=b',
    '50%',
    '%2F',
    '.',
    '..',
    'a.',
    '...',
    ' a ',
    '\u0001',
    '\u007f',
    'é',
    "it's",
    'a\\b',
    '*?[x]',
  ]
  const inputs = { 'x.jsonl': odd.map((k, n) => JSON.stringify({ k, n })).join('\n') }
  await withShares(taskOf({ source, columns, output: by(['k']) }), { inputs }, async ([result], folder) => {
    for (const { file, partition } of result?.parts ?? []) {
      const target = join(folder, 'dataset', partitionFolder(partition))
      mkdirSync(target, { recursive: true })
      copyFileSync(file, join(target, 'part.parquet'))
    }
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const reader = await connection.runAndReadAll(
      `SELECT k, n FROM read_parquet('${folder}/dataset/**/*.parquet', hive_partitioning = true, hive_types = {'k': VARCHAR}) ORDER BY n`,
    )
    connection.closeSync()
    expect(reader.getRows()).toEqual(odd.map((k, n) => [k, n]))
  })
})
