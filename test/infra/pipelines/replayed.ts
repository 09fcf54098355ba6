/** Five tasks that use every kind of request to S3: parts, extracted members, a table, rejects, skipped members, append, and an exchange between stages. */
import { column, count, csv, files, memberFiles, param, parquet, pipeline, table, task, zipMembers } from 'fanmill'

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

export default pipeline({
  name: 'replayed',
  tasks: [points, raw, skipping, log, counts],
  trigger: { upload: 'incoming/{month}/*.zip' },
})
