/** Parquet files on a disk are read by the engine where they are, and only in the columns that the steps use. */
import { renameSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DatasetRow, RunEvent } from '../../lib/index.ts'
import { duckdb } from './compare.ts'
import { type Project, project } from './project.ts'

const pipeline = (steps: string, options = '') => `
import { appendFileSync } from 'node:fs'
import { count, files, max, parquet, parquetFiles, pipeline, sum, task } from 'fanmill'
const totals = task({
  name: 'totals',
  source: files({ paths: 'in/**/*.parquet', format: parquetFiles() }),
  ${options}
  output: parquet({ path: 'totals' }),
})${steps}
export default pipeline({ name: 'p', tasks: [totals] })
`
const reduction = `.reduce({ by: ['shop'], measures: { n: count(), late: sum('amount'), last: max('sold') } })`

/** The files are larger than those that are read whole. */
const select = (file: number, extra = '') =>
  `select i as id, 's' || i % 7 as shop, (i * 7919 % 1000)::int as amount, timestamp '2024-01-01' + to_seconds(i) as sold,
    md5(i::varchar) as long ${extra} from range(${file * 20_000}, ${(file + 1) * 20_000}) t(i)`

async function withFiles(text: string, extra = '', names = ['a', 'b']): Promise<Project> {
  const some = project(text, { 'in/.keep': '' })
  for (const [file, name] of names.entries())
    await duckdb(
      some.folder,
      `copy (${select(file, extra)}) to '${some.folder}/in/${name}.parquet' (row_group_size 4096)`,
    )
  return some
}

const textOf = (value: unknown): string =>
  value instanceof Date ? value.toISOString().slice(0, 19).replace('T', ' ') : String(value)

const byShop = (rows: readonly DatasetRow[]) =>
  rows.toSorted((a, b) => (String(a.shop) < String(b.shop) ? -1 : 1)).map(row => Object.values(row).map(textOf))

const expected = (some: Project) =>
  duckdb(
    some.folder,
    `select shop, count(*) as n, sum(amount)::bigint as late, max(sold) as last from 'in/**/*.parquet' group by shop`,
  )

describe('Parquet files on a disk', () => {
  it('are read only in the columns that a reduction uses', async () => {
    const some = await withFiles(pipeline(reduction))
    const { tasks } = await some.run()
    expect(tasks[0]).toMatchObject({ status: 'complete', rowsRead: 40_000 })
    expect(byShop(await some.rows('totals'))).toEqual(byShop(await expected(some)))
    const bytes = statSync(join(some.folder, 'in/a.parquet')).size + statSync(join(some.folder, 'in/b.parquet')).size
    expect(tasks[0]!.bytesIn).toBeLessThan(bytes / 3)
  })

  it('are read where links lead out of the folder of the inputs, as files and as folders', async () => {
    const others = await withFiles(pipeline(reduction))
    const wanted = byShop(await expected(others))
    const some = project(pipeline(reduction), { 'in/.keep': '' })
    symlinkSync(join(others.folder, 'in/a.parquet'), join(some.folder, 'in/a.parquet'))
    others.write({ 'more/.keep': '' })
    renameSync(join(others.folder, 'in/b.parquet'), join(others.folder, 'more/b.parquet'))
    symlinkSync(join(others.folder, 'more'), join(some.folder, 'in/more'))
    await some.run()
    expect(byShop(await some.rows('totals'))).toEqual(wanted)
  })

  it.each([
    ['few', reduction, 's.shop'],
    [
      'many',
      `.reduce({ buckets: 5, by: ['id'], measures: { n: count(), late: sum('amount'), last: max('sold') } })`,
      's.id',
    ],
  ])('are reduced by %s keys on one thread, whose engine uses all CPUs', async (_, steps, key) => {
    const some = await withFiles(pipeline(steps))
    const events: RunEvent[] = []
    const { tasks } = await some.run({ workers: 3, onEvent: event => events.push(event) }, { groupBytes: 100_000 })
    expect(tasks[0]).toMatchObject({ status: 'complete', rowsRead: 40_000 })
    const planned = events.slice(0, events.map(({ event }) => event).indexOf('plan'))
    expect(planned.flatMap(event => (event.event === 'progress' ? [event.phase] : []))).toEqual(['plan'])
    const differing = await duckdb(
      some.folder,
      `select * from (select ${key}, count(*) as n, sum(amount)::bigint as late, max(sold) as last from 'in/*.parquet' s group by all) s
        full join 'out/totals/*.parquet' t on ${key} = ${key.replace('s.', 't.')}
      where (s.n, s.late, s.last) is distinct from (t.n, t.late, t.last)`,
    )
    expect(differing).toEqual([])
    const [{ engines }] = (await duckdb(
      some.folder,
      `select count(distinct worker.thread) as engines
        from (select unnest(workers) as worker from read_json('out/.fanmill/runs/*/1/outcomes/*.json'))`,
    )) as [DatasetRow]
    expect(Number(engines)).toBe(1)
  })

  it('are each counted once by a run that is resumed, which needs other batches than those that began early', async () => {
    const some = await withFiles(pipeline(reduction), '', ['a', 'b', 'c', 'd'])
    const tuning = { groupBytes: 100_000 }
    const stopping = new AbortController()
    const stop = ({ event }: RunEvent) => event === 'batch' && stopping.abort()
    await some.run({ workers: 2, signal: stopping.signal, onEvent: stop }, tuning)
    const events: RunEvent[] = []
    await some.run({ workers: 2, onEvent: event => events.push(event) }, tuning)
    expect(byShop(await some.rows('totals'))).toEqual(byShop(await expected(some)))
    expect(some.leftovers()).toEqual([])
    const [first] = events.filter(event => event.event === 'progress').filter(({ phase }) => phase === 'commit')
    expect([7, 14, 21]).toContain(first?.rowsWritten)
  })

  it('are read with columns of their paths, and where a column without a use could not be read', async () => {
    const steps = reduction.replace("by: ['shop']", "by: ['day', 'shop']")
    const some = project(pipeline(steps), { 'in/day=1/.keep': '', 'in/day=2/.keep': '' })
    for (const day of [1, 2])
      await duckdb(
        some.folder,
        `copy (${select(day, `, time '10:00' as clock`)}) to '${some.folder}/in/day=${day}/a.parquet'`,
      )
    await some.run()
    const rows = await duckdb(
      some.folder,
      `select day::varchar as day, shop, count(*) as n, sum(amount)::bigint as late, max(sold) as last
      from read_parquet('in/**/*.parquet', hive_partitioning = true) group by all`,
    )
    const plain = (all: readonly DatasetRow[]) => all.map(row => Object.values(row).map(textOf).join(' ')).toSorted()
    expect(plain(await some.rows('totals'))).toEqual(plain(rows))
  })

  it.each(['{"columns":{"long":{"encoding":"WKB","crs":"EPSG:4326"}}}', '"text"'])(
    'are read whatever they note about geometries: %s',
    async geo => {
      const some = project(pipeline(reduction), { 'in/.keep': '' })
      for (const [name, rows] of [
        ['large', select(0)],
        ['small', `from (${select(1)}) limit 9`],
      ] as const)
        await duckdb(
          some.folder,
          `copy (${rows}) to '${some.folder}/in/${name}.parquet' (kv_metadata { geo: '${geo}' })`,
        )
      const { tasks } = await some.run()
      expect(tasks[0]).toMatchObject({ status: 'complete', rowsRead: 20_009 })
      const found = `select shop, count(*) as n, sum(amount)::bigint as late, max(sold) as last from (${select(0)} union all (from (${select(1)}) limit 9)) group by shop`
      expect(byShop(await some.rows('totals'))).toEqual(byShop(await duckdb(some.folder, found)))
    },
  )

  it('keep moments that the engine reads as infinity as rejects', async () => {
    const some = await withFiles(pipeline(reduction, 'rejects: { max: 10 },'))
    const odd = `select * replace (case when id = 7 then 'infinity'::timestamp when id = 8 then null else sold end as sold) from (${select(0)})`
    await duckdb(some.folder, `copy (${odd}) to '${some.folder}/in/a.parquet' (row_group_size 4096)`)
    const { tasks, error } = await some.run()
    expect(error).toBeUndefined()
    expect(tasks[0]).toMatchObject({ rowsRead: 39_999, rowsRejected: 1 })
    const sums = await some.rows('totals')
    expect(sums.reduce((sum, { n }) => sum + Number(n), 0)).toBe(39_999)
  })

  it('that change while they are read fail the run with INPUT_CHANGED', async () => {
    const some = await withFiles('', '', ['a'])
    const file = JSON.stringify(join(some.folder, 'in/a.parquet'))
    const steps = `.mapRows(row => { if (Number(row.id) === 9000) appendFileSync(${file}, 'x'); return row })`
    some.write({ 'pipeline.ts': pipeline(steps) })
    const { error } = await some.run({ workers: 1 })
    expect(error).toMatchObject({ code: 'INPUT_CHANGED' })
    expect(some.outputFiles()).toEqual([])
  })
})
