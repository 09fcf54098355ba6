/** Orders from PostgreSQL, read in ranges of their key, and totals of the customers, which are written back. */

import { column, count, parquet, partitionsOf, pipeline, rowsFrom, sink, sum, task } from 'fanmill'
import pg from 'pg'

const ordersPerRange = 10_000

/** Connects by PGHOST, PGPORT, PGUSER and PGPASSWORD, as psql does; each worker has one connection. */
const connect = (): pg.Pool => new pg.Pool({ max: 1 })

/** A range of ids. The time of its latest change is a part of it, so that a run reads the orders again when one has changed. */
interface Range {
  readonly first: string
  readonly changed: string
  readonly [name: string]: string
}

export const orders = task({
  name: 'orders',
  setup: connect,
  source: rowsFrom({
    async partitions(): Promise<Range[]> {
      const db = connect()
      const { rows } = await db.query<Range>(
        `select (id - id % $1)::text as first, max(changed)::text as changed from orders group by 1 order by min(id)`,
        [ordersPerRange],
      )
      await db.end()
      return rows
    },
    async *rows({ first }, { state: db }: { readonly state: pg.Pool }) {
      const query = 'select id, customer, total, placed from orders where id >= $1 and id < $1::bigint + $2'
      yield* (await db.query(query, [first, ordersPerRange])).rows
    },
  }),
  columns: {
    id: column.int64({ required: true }),
    customer: column.string({ required: true }),
    total: column.decimal(12, 2, { required: true }),
    placed: column.timestamptz(),
  },
  output: parquet({ path: '{task}' }),
})

interface Total {
  readonly customer: string
  readonly orders: bigint
  readonly total: string
}

/** The rows and the key of a call are one transaction: a call that is repeated finds its key, and writes nothing. */
export const totals = task({
  name: 'totals',
  source: partitionsOf(orders),
  setup: connect,
  output: sink<Total>({
    concurrency: 1,
    async isDone({ key, state: db }) {
      const { rowCount } = await db.query('select from loads where key = $1', [key])
      return rowCount === 1
    },
    async write(rows, { key, state: db }) {
      const values = rows.map(({ customer, orders, total }) => ({ customer, orders: String(orders), total }))
      await db.query(
        `with load as (insert into loads values ($1))
         insert into totals select customer, orders, total from json_to_recordset($2)
           as given (customer text, orders bigint, total numeric)
         on conflict (customer) do update set orders = excluded.orders, total = excluded.total`,
        [key, JSON.stringify(values)],
      )
    },
  }),
}).reduce({ by: ['customer'], measures: { orders: count(), total: sum('total') } })

export default pipeline({ name: 'postgres', tasks: [orders, totals] })
