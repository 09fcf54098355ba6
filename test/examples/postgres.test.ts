/** The example that reads from PostgreSQL and writes to it, with a server of its own. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../lib/index.ts'
import { findPrograms, startPostgres } from './postgres-server.ts'

const programs = await findPrograms()
if (!programs) {
  const missing = `expected PostgreSQL for ${process.platform}-${process.arch} among the installed packages, got none`
  if (process.env.CI === 'true') throw new Error(missing)
  console.warn(`${missing}: the example with PostgreSQL is left out`)
}

const pipeline = join(import.meta.dirname, '../../examples/postgres/pipeline.ts')

describe.skipIf(!programs)('the PostgreSQL example', () => {
  let stop: () => Promise<void>
  let db: pg.Client

  beforeAll(async () => {
    const server = await startPostgres(programs!)
    stop = server.stop
    Object.assign(process.env, server.environment)
    db = new pg.Client()
    await db.connect()
    await db.query(`create table orders (id bigint primary key, customer text, total numeric, placed timestamptz, changed timestamptz not null);
      create table totals (customer text primary key, orders bigint, total numeric);
      create table loads (key text primary key);
      insert into orders select id, 'c' || id % 7, (id % 1000) / 8.0, now(), now() from generate_series(1, 25000) id;
      update orders set total = round(total, 2)`)
  })
  afterAll(async () => {
    await db?.end()
    await stop?.()
  })

  const differences = async (): Promise<unknown[]> => {
    const asked = 'select customer, count(*) as orders, sum(total) as total from orders group by customer'
    return (await db.query(`(${asked} except table totals) union all (table totals except ${asked})`)).rows
  }
  const loads = async (): Promise<number> => Number((await db.query('select count(*) from loads')).rows[0].count)

  it('writes the totals of all orders once, and again only when an order has changed', async () => {
    const output = mkdtempSync(join(tmpdir(), 'fanmill-orders-'))
    const ran = await run(pipeline, { output, workers: 2 })
    expect(ran).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 25_000 }, { rowsWritten: 7 }] })
    expect(await differences()).toEqual([])
    const first = await loads()
    expect(first).toBeGreaterThan(0)

    expect(await run(pipeline, { output, workers: 2 })).toMatchObject({ status: 'skipped' })
    expect(await loads()).toBe(first)

    await db.query('update orders set total = 1000000.01, changed = now() where id = 12345')
    expect(await run(pipeline, { output, workers: 2 })).toMatchObject({ status: 'complete' })
    expect(await differences()).toEqual([])
    expect(await loads()).toBeGreaterThan(first)
  })
})
