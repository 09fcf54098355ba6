/** Rows of few keys, which a batch leaves in one file for all buckets, beside rows of many. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, it } from 'vitest'
import { castWritten, writtenColumns } from '../../../lib/engine/check-output.ts'
import { countRows, rowsOf } from '../../../lib/engine/read/exchange-read.ts'
import { bucketOf, rowsByBucket, writeBuckets, writeUndivided } from '../../../lib/engine/write/write-buckets.ts'
import type { PartOptions } from '../../../lib/engine/write/write-parts.ts'
import { exchangeSlices } from '../../../lib/exchange/exchange-slices.ts'
import type { Outcome } from '../../../lib/model/outcome/outcome.ts'
import type { SharePart } from '../../../lib/model/share.ts'
import type { StagedFile } from '../../../lib/stage/staged-file.ts'

const by = ['key']
const buckets = 16
const options = { by, buckets }

/** Returns the outcome of a batch; sizes are chosen so that the next stage has several slices. */
function outcomeOf(batch: number, parts: readonly SharePart[], bytes: number) {
  const sorted = parts.toSorted((a, b) => (a.bucket ?? 0) - (b.bucket ?? 0))
  const files = sorted.map(({ bucket = 0, rows, file, rowsByBucket }) => ({
    ...{ bucket, rows, bytes, name: file },
    rowsByBucket: rowsByBucket && [...rowsByBucket],
  }))
  const rowsWritten = parts.reduce((sum, { rows }) => sum + rows, 0)
  return { batch, rowsWritten, exchange: { key: `${batch}`, buckets, files }, schema: [] } as unknown as Outcome
}

it('each slice of the next stage reads its own keys of a file that is not divided, and no row is read twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'undivided-'))
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const rows = (from: number, to: number) => ({
    sql: `SELECT CASE WHEN i % 50 = 7 THEN NULL ELSE 'k' || i % 50 END AS key, i AS n FROM range(${from}, ${to}) t(i)`,
    values: [],
  })
  const few = await writeUndivided(connection, rows(0, 500), join(folder, 'few'))
  const counted = await Promise.all(
    few.map(async part => ({ ...part, rowsByBucket: await rowsByBucket(connection, part.file, options) })),
  )
  const many = await writeBuckets(connection, rows(500, 2000), join(folder, 'many'), options)
  const { slices } = exchangeSlices([outcomeOf(0, counted, 1000), outcomeOf(1, many, 6 * 2 ** 20)], {
    name: 'rows by key',
  })

  expect(slices.length).toBeGreaterThan(3)
  const keys: string[] = []
  let sum = 0n
  for (const { pieces, buckets, rows } of slices) {
    const files = pieces.flatMap(({ files, of }) =>
      files.map(({ name, rows }) => {
        const onlyBuckets = of === undefined ? undefined : { ...buckets, of }
        return { file: name, records: rows, onlyBuckets } as StagedFile
      }),
    )
    expect(await countRows(connection, files, by)).toBe(rows)
    const found = await connection.runAndReadAll(`SELECT key, sum(n)::BIGINT FROM ${rowsOf(files, by)} GROUP BY key`)
    for (const [key, n] of found.getRows()) {
      keys.push(String(key))
      sum += n as bigint
    }
  }
  // Each key is in one slice, with all of its rows.
  expect(keys.length).toBe(new Set(keys).size)
  expect(keys).toHaveLength(50)
  expect(sum).toBe((2000n * 1999n) / 2n)

  // A slice of all buckets reads the file as it is.
  const whole = exchangeSlices([outcomeOf(0, counted, 1000)], { name: 'rows by key' }).slices
  expect(whole).toHaveLength(1)
  expect(whole[0]?.pieces[0]).toMatchObject({ of: undefined, files: [{ rows: 500 }] })
  connection.closeSync()
  rmSync(folder, { recursive: true })
})

const layout = {
  ...{ partitionBy: [], sortBy: [], compression: 'snappy', bloomFilters: false, rowGroupRows: 2048 },
} as unknown as PartOptions

const second = "TIMESTAMP '2020-01-01' + to_seconds(i)"
const word = "CAST(['z', 'it''s, (b)', 'a[1]'][i % 3 + 1] AS ENUM('z', 'it''s, (b)', 'a[1]'))"

it.each([
  ['seconds', `CAST(${second} AS TIMESTAMP_S)`],
  ['milliseconds', `CAST(${second} AS TIMESTAMP_MS)`],
  ['an enum', word],
  ['bits', 'CAST(bin(i) AS BIT)'],
  ['numbers of any size', 'CAST(i AS BIGNUM)'],
  ['times of nanoseconds', "CAST(CAST(TIME '00:00:00' + to_seconds(i) AS VARCHAR) AS TIME_NS)"],
  ['times with an offset', "CAST(CAST(TIME '10:00:00' + to_seconds(i) AS VARCHAR) || '+02' AS TIMETZ)"],
  ['lists', `[CAST(${second} AS TIMESTAMP_S)]`],
  ['arrays', `CAST([${word}, NULL] AS ENUM('z', 'it''s, (b)', 'a[1]')[2])`],
  ['structs', `{'a b': CAST(${second} AS TIMESTAMP_MS), c: [{d: ${word}}]}`],
  ['texts, as ever', `'k' || i`],
  ['decimals, as ever', 'CAST(i AS DECIMAL(9, 2))'],
])('a key of %s has the same bucket before it is written and after it was read back', async (_, key) => {
  const folder = mkdtempSync(join(tmpdir(), 'undivided-'))
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const rows = `SELECT ${key} AS key FROM range(50) t(i)`
  const result = await connection.run(`${rows} LIMIT 0`)
  const schema = result.columnNames().map((name, at) => ({ name, type: result.columnType(at) }))
  const written = writtenColumns(layout, schema, { by })
  const sql = castWritten(rows, schema, { written, parts: layout })
  const bucket = `${bucketOf(options)} AS bucket`
  const query = `SELECT *, ${bucket} FROM (${sql})`
  const [part] = await writeUndivided(connection, { sql: query, values: [] }, join(folder, 'rows'))
  const found = await connection.runAndReadAll(
    `SELECT count(*) FILTER (bucket = again), count(DISTINCT again) FROM (SELECT bucket, ${bucketOf(options)} AS again FROM '${part?.file}')`,
  )
  const [same, different] = found.getRows()[0] ?? []
  expect([same, Number(different) > 1]).toEqual([50n, true])
  const [type] = (await connection.run(`SELECT key FROM '${part?.file}' LIMIT 0`)).columnTypes()
  expect(written).toEqual([{ name: 'key', type: String(type) }])
  connection.closeSync()
  rmSync(folder, { recursive: true })
})

it('refuses a key with times with an offset in a list', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const result = await connection.run("SELECT [CAST('10:00:00+02' AS TIMETZ)] AS key")
  const schema = [{ name: 'key', type: result.columnType(0) }]
  expect(() => writtenColumns(layout, schema, { by })).toThrow(
    /column key: expected a key without times with an offset/,
  )
  expect(writtenColumns(layout, schema, { by: [] })).toEqual([{ name: 'key', type: String(result.columnType(0)) }])
  connection.closeSync()
})
