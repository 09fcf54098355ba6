import { DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import { type RowCounter, registerRowCounter } from '../../lib/duckdb/row-counter.ts'
import { guardedRows } from '../../lib/engine/read/read-columns.ts'

const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
const connection = await instance.connect()
await connection.run('SET SESSION preserve_insertion_order = false')
let counter: RowCounter

beforeAll(() => {
  counter = registerRowCounter(connection)
})

/** Counts the rows of a reading that enter `step`, of which the first `skipped` pass by the counter. */
async function seen(read: string, skipped: number, step = 'SELECT a FROM input'): Promise<number> {
  counter.skip(skipped)
  counter.reset()
  const guarded = guardedRows(read, { name: counter.name, skipped }, { names: ['a'], provenance: [], keepNew: false })
  await connection.run(`WITH input AS NOT MATERIALIZED (SELECT * FROM (${guarded}) LIMIT 1000000) ${step}`)
  return counter.rows()
}

const rows = (count: number): string => `SELECT CAST(range AS VARCHAR) AS a FROM range(${count})`

describe('rows that the engine numbers', () => {
  it.each([0, 1, 2047, 2048, 4999])(
    'are counted where all but the rows after %i pass by the counter',
    async skipped => {
      expect(await seen(rows(5000), skipped)).toBe(5000)
    },
  )

  it('are counted where they are more than expected, and are none where they are fewer', async () => {
    expect(await seen(rows(7000), 4999)).toBe(7000)
    expect(await seen(rows(4999), 4999)).toBe(0)
  })

  it('are numbered over all queries of a union', async () => {
    const read = [rows(3000), rows(1), rows(2999)].join(' UNION ALL ')
    expect(await seen(read, 5999)).toBe(6000)
    expect(await seen(read, 6000)).toBe(0)
  })

  it('are counted below a condition, and not where the step stops early', async () => {
    expect(await seen(rows(5000), 4999, 'SELECT a FROM input WHERE length(a) = 1')).toBe(5000)
    expect(await seen(rows(5000), 4999, 'SELECT a FROM input WHERE 1 = 2')).toBe(0)
    expect(await seen(rows(5000), 4999, 'SELECT a FROM input LIMIT 3')).toBe(0)
  })

  it('are read where no step uses their column', async () => {
    const read = `SELECT CAST(a AS INTEGER) AS a FROM (${rows(5000)} UNION ALL SELECT 'bad')`
    await expect(seen(read, 5000, 'SELECT 1 FROM input WHERE 2 > 1')).rejects.toThrow("'bad'")
  })
})
