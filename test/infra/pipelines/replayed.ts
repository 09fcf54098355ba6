/** Tasks that use every kind of request to S3: parts, extracted members, a table, rejects, skipped members, append, an exchange between stages, a Delta table and a task that reads it. */
import {
  column,
  count,
  csv,
  delta,
  files,
  memberFiles,
  param,
  parquet,
  partitionsOf,
  pipeline,
  table,
  task,
  zipMembers,
} from 'fanmill'

export const points = task({
  name: 'points',
  params: { month: param.month() },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', format: csv() }),
  columns: { x: column.int32(), k: column.string() },
  tables: { names: table('reference/k.csv', csv(), { k: column.string(), name: column.string() }) },
  rejects: { max: 3 },
  output: parquet({ path: '{task}/{month}', partitionBy: ['k'] }),
}).sql<{ name: string | null }>`select i.*, n.name from input i left join names n on n.k = i.k`

export const raw = task({
  name: 'raw',
  params: { month: param.month() },
  source: zipMembers({ paths: 'incoming/{month}/*.zip' }),
  output: memberFiles({ path: 'raw/{month}' }),
})

export const skipping = task({
  name: 'skipping',
  params: { month: param.month() },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', format: csv(), onBadMember: 'skip' }),
  columns: { x: column.int32() },
  output: parquet({ path: 'skipping/{month}' }),
})

export const log = task({
  name: 'log',
  source: files({ paths: 'logs/*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: 'log', mode: 'append' }),
})

export const counts = task({
  name: 'counts',
  params: { month: param.month() },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', format: csv() }),
  columns: { x: column.int32(), k: column.string() },
  output: parquet({ path: 'counts/{month}' }),
}).reduce({ by: ['k'], measures: { n: count() } })

export const visits = task({
  name: 'visits',
  source: files({ paths: 'visits/*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: delta({ path: 'visits', partitionBy: ['x'], mode: 'append' }),
}).sql<{ y: number }>`select *, x + 1 as y from input`

export const copied = task({ name: 'copied', source: partitionsOf(visits), output: parquet({ path: 'copied' }) })

export default pipeline({
  name: 'replayed',
  tasks: [points, raw, skipping, log, counts, visits, copied],
  trigger: { upload: 'incoming/{month}/*.zip' },
})
