import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fileStatistics } from '../../lib/delta/file-statistics.ts'
import { openEngine } from '../../lib/duckdb/engine.ts'
import { readFooter } from '../../lib/parquet/footer.ts'

const folder = mkdtempSync(join(tmpdir(), 'fanmill-statistics-'))
const engine = await openEngine({ folders: [folder], tempFolder: folder, memoryBytes: 256 * 2 ** 20 })
const connection = await engine.connect()

afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Returns the statistics of a query's rows as the log would have them. */
async function statisticsOf(sql: string, settings = ''): Promise<Record<string, unknown>> {
  const file = join(folder, 'rows.parquet')
  await connection.run(`COPY (${sql}) TO '${file}' (FORMAT parquet${settings})`)
  const bytes = readFileSync(file)
  const end = bytes.length - 8
  return JSON.parse(fileStatistics(readFooter(bytes.subarray(end - bytes.readUInt32LE(end), end))).text)
}

describe('statistics of a file in the log of a Delta table', () => {
  it('hold the bounds and nulls of every row group', async () => {
    const sql =
      'SELECT i::INTEGER AS i, CASE WHEN i % 4 = 0 THEN NULL ELSE (10_000 - i)::VARCHAR END AS t FROM range(10_000) r(i)'
    expect(await statisticsOf(sql, ', ROW_GROUP_SIZE 2048')).toEqual({
      numRecords: 10_000,
      minValues: { i: 0, t: '1' },
      maxValues: { i: 9999, t: '9999' },
      nullCount: { i: 0, t: 2500 },
    })
  })

  it.each([
    ['9007199254740993::BIGINT', '9007199254740993', '9007199254740993'],
    ['-0.05::DECIMAL(4, 2)', '-0.05', '-0.05'],
    ['-123456789012345678901.5::DECIMAL(38, 1)', '-123456789012345678901.5', '-123456789012345678901.5'],
    ["DATE '2024-02-29'", '"2024-02-29"', '"2024-02-29"'],
    ["TIMESTAMP '1969-12-31 23:59:59.999999'", '"1969-12-31T23:59:59.999"', '"1970-01-01T00:00:00.000"'],
    ["TIMESTAMPTZ '2024-01-01 00:00:00.5+00'", '"2024-01-01T00:00:00.500Z"', '"2024-01-01T00:00:00.500Z"'],
    ['1.5::DOUBLE', '1.5', '1.5'],
    ['-7::TINYINT', '-7', '-7'],
    ['true', 'true', 'true'],
    ['false', 'false', 'false'],
  ])('have exact values, and timestamps rounded outwards: %s', async (value, low, high) => {
    const file = join(folder, 'value.parquet')
    await connection.run(`COPY (SELECT ${value} AS v) TO '${file}' (FORMAT parquet)`)
    const bytes = readFileSync(file)
    const end = bytes.length - 8
    const { text } = fileStatistics(readFooter(bytes.subarray(end - bytes.readUInt32LE(end), end)))
    expect(text).toBe(`{"numRecords":1,"minValues":{"v":${low}},"maxValues":{"v":${high}},"nullCount":{"v":0}}`)
  })

  it('shorten texts so that all values stay between the bounds', async () => {
    const { minValues, maxValues } = await statisticsOf("SELECT repeat('ab', 40) AS t")
    const [min, max] = [(minValues as { t: string }).t, (maxValues as { t: string }).t]
    const value = 'ab'.repeat(40)
    expect([min <= value, Buffer.compare(Buffer.from(max), Buffer.from(value)) >= 0]).toEqual([true, true])
    expect([Array.from(min).length <= 32, Array.from(max).length <= 33]).toEqual([true, true])
  })

  it.each([
    ['a number that is none', "'NaN'::DOUBLE"],
    ['an infinite time', "'infinity'::TIMESTAMP"],
    ['a list', '[1, 2]'],
    ['bytes', "'x'::BLOB"],
    ['only nulls', 'NULL::INTEGER'],
  ])('have no bounds for %s', async (_, value) => {
    const { minValues, maxValues } = await statisticsOf(`SELECT ${value} AS v`)
    expect([minValues, maxValues]).toEqual([{}, {}])
  })

  it('are those of the first 32 columns', async () => {
    const columns = Array.from({ length: 40 }, (_, index) => `${index} AS c${index}`)
    const { minValues } = await statisticsOf(`SELECT ${columns.join(', ')}`)
    expect(Object.keys(minValues as object)).toHaveLength(32)
  })
})
