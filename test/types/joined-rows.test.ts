/** The types of the rows of a join; held by the type check. */
import { expectTypeOf, it } from 'vitest'
import { column, csv, files, joinOf, parquet, partitionsOf, pipeline, task } from '../../lib/define/index.ts'

const columns = { date: column.timestamp(), delay: column.int32({ required: true }), origin: column.string() }
type Row = { readonly date: Date | null; readonly delay: number; readonly origin: string | null }
type Flat<R> = { readonly [Name in keyof R]: R[Name] }

it('knows the rows of a join by its sides', () => {
  const to = parquet({ path: '{task}' })
  const left = task({ name: 'l', source: files({ paths: 'l', format: csv() }), columns, output: to })
  const airports = {
    iata: column.string({ required: true }),
    state: column.string({ required: true }),
    delay: column.date(),
  }
  const right = task({ name: 'r', source: files({ paths: 'r', format: csv() }), columns: airports, output: to })
  const on = { origin: 'iata' } as const
  const join = joinOf({ left, right }, { on, how: 'left', prefix: 'airport_' })
  task({ name: 'j', source: join, output: parquet({ path: '{task}', partitionBy: ['state'] }) }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<
      Flat<Row & { readonly state: string | null; readonly airport_delay: string | null }>
    >()
    return row
  })
  const chosen = partitionsOf(right, { columns: ['iata', 'state'] })
  task({ name: 'j', source: joinOf({ left, right: chosen }, { on }), output: to }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<Flat<Row & { readonly state: string }>>()
    return row
  })
  task({ name: 'j', source: joinOf({ left, right }, { on, how: 'anti' }), output: to }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<Row>()
    return row
  })
  // @ts-expect-error: there is no such column
  const unknown = () => joinOf({ left, right }, { on: { from: 'iata' } })
  const byState = task({ name: 'j', source: join, output: parquet({ path: '{task}', partitionBy: ['land'] }) })
  // @ts-expect-error: land is no column of either side
  const inPipeline = () => pipeline({ name: 'p', tasks: [byState] })
  void [unknown, inPipeline]
})
