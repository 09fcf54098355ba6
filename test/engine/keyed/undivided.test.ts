/** Rows of few keys, which a batch leaves in one file for all buckets, beside rows of many. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, it } from 'vitest'
import { countRows, rowsOf } from '../../../lib/engine/read/exchange-read.ts'
import { rowsByBucket, writeBuckets, writeUndivided } from '../../../lib/engine/write/write-buckets.ts'
import { exchangeSlices } from '../../../lib/exchange/exchange-slices.ts'
import type { Outcome } from '../../../lib/model/outcome.ts'
import type { SharePart } from '../../../lib/model/share.ts'
import type { StagedFile } from '../../../lib/stage/stage.ts'

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
