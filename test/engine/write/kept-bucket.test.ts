/** The hash by which datasets are kept, computed by the engine and, as it is documented, without it. */
import { createHash } from 'node:crypto'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, it } from 'vitest'
import { keptBucket, keptColumns } from '../../../lib/engine/write/kept-bucket.ts'

const buckets = 1000

/** The documented hash of the texts of a key. */
function bucketOf(...texts: readonly (string | null)[]): number {
  return remainderOf(texts, buckets)
}

/** The hash modulo any number. */
function remainderOf(texts: readonly (string | null)[], divisor: number): number {
  const text = texts.map(value => (value === null ? 'n;' : `${Buffer.byteLength(value)}:${value};`)).join('')
  const digest = createHash('md5').update(text).digest().reverse().toString('hex')
  return Number(BigInt(`0x${digest}`) % BigInt(divisor))
}

it.each([
  ['INTEGER', '-5', '-5', 100],
  ['UBIGINT', '18446744073709551615', '18446744073709551615', 159],
  ['DECIMAL(8,2)', '1.1', '1.10', 85],
  ['DECIMAL(8,2)', '-0.0', '0.00', 604],
  ['DECIMAL(38,0)', '7', '7', 591],
  ['VARCHAR', "'Zürich'", 'Zürich', 808],
  ['VARCHAR', "''", '', 82],
  ['VARCHAR', "'7'", '7', 591],
  ['BOOLEAN', 'true', 'true', 615],
  ['DATE', "'2024-02-29'", '2024-02-29', 8],
  ['TIMESTAMP', "'2024-02-29 12:30:00.5'", '1709209800500000', 301],
  ['TIMESTAMP', "'1969-12-31 23:59:59.999999'", '-1', 14],
  ['TIMESTAMP WITH TIME ZONE', "'2024-02-29 13:30:00+01'", '1709209800000000', 42],
  ['DATE', 'NULL', null, 214],
])('puts a key of %s with the value %s always into the same bucket', async (type, value, text, expected) => {
  expect(bucketOf(text)).toBe(expected)
  expect(await bucketBy({ k: [type, value] })).toBe(expected)
})

it.each([1, 2, 61, 65_535, 65_536])('divides the hash of 128 bits exactly by %i buckets', async count => {
  for (const text of ['a', 'b', 'c', 'd', 'e', 'f'])
    expect(await bucketBy({ k: ['VARCHAR', `'${text}'`] }, count)).toBe(remainderOf([text], count))
})

it('tells the columns of a key apart', async () => {
  const both = await bucketBy({ a: ['VARCHAR', "'1:x;'"], b: ['VARCHAR', 'NULL'] })
  expect(both).toBe(bucketOf('1:x;', null))
  expect(both).not.toBe(bucketOf('x', 'n'))
})

it.each(['DOUBLE', 'BLOB', 'INTEGER[]', 'TIME'])('refuses a key of %s, of which no text is documented', type => {
  expect(() => keptColumns({ by: ['k'], isKept: true }, [{ name: 'k', type }])).toThrow(
    /^output\.bucketBy: expected columns of integers, decimals, strings, booleans, dates or timestamps, got k \(/,
  )
})

it('refuses a column that the rows do not have', () => {
  const written = [{ name: 'customer', type: 'INTEGER' }]
  expect(() => keptColumns({ by: ['custmer'], isKept: true }, written)).toThrow(
    'output.bucketBy: expected columns that the transform returns, got custmer; did you mean customer',
  )
})

/** Returns the bucket that the engine computes, in a time zone that must not matter. */
async function bucketBy(
  key: Readonly<Record<string, readonly [type: string, value: string]>>,
  count = buckets,
): Promise<number> {
  const connection = await (await DuckDBInstance.create()).connect()
  try {
    await connection.run("SET TimeZone = 'Asia/Kolkata'")
    const list = Object.entries(key).map(([name, [type, value]]) => `CAST(${value} AS ${type}) AS ${name}`)
    const by = Object.entries(key).map(([name, [type]]) => ({ name, type }))
    const reader = await connection.runAndReadAll(`SELECT ${keptBucket(by, count)} FROM (SELECT ${list.join(', ')})`)
    return Number(reader.getRows()[0]?.[0])
  } finally {
    connection.closeSync()
  }
}
