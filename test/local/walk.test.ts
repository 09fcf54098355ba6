/** Graphs of tasks on a laptop. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../../lib/index.ts'
import { type Project, projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const imports = `import { column, csv, files, months, param, parquet, partitionsOf, pipeline, rowsFrom, task } from 'fanmill'`
const monthly = (factor = 1) => `${imports}
const flights = task({
  name: 'flights',
  params: { month: param.month() },
  source: files({ paths: '{month}.csv', format: csv() }),
  columns: { delay: column.int32({ required: true }) },
  output: parquet({ path: 'flights/{month}' }),
})
const delays = task({ name: 'delays', source: partitionsOf(flights), output: parquet({ path: 'delays/{month}' }) })
  .sql\`select delay * ${factor} as delay from input\`
const report = task({
  name: 'report',
  params: { year: param.integer() },
  requires: ({ year }) => delays.each({ month: months(year).slice(0, 3) }),
  source: files({ paths: 'names.csv', format: csv() }),
  columns: { name: column.string() },
  output: parquet({ path: 'report/{year}' }),
})
export default pipeline({ name: 'flights', tasks: [flights, delays, report] })
`
const csvs = (...delays: unknown[]) =>
  Object.fromEntries(delays.map((delay, at) => [`2001-0${at + 1}.csv`, `delay\n${delay}\n`]))

type Result = Awaited<ReturnType<Project['run']>>
const statusesOf = ({ tasks }: Result) => Object.fromEntries(tasks.map(({ node, status }) => [node, status]))
const reasonsOf = ({ tasks }: Result) =>
  Object.fromEntries(
    tasks.flatMap(({ node, reasons }) => (reasons ? [[node, reasons.map(({ text }) => text).join('; ')]] : [])),
  )

describe('a graph', () => {
  it('runs what a task requires, and again only what depends on a change, with the reason', async () => {
    const some = project(monthly(), { ...csvs(1, 2, 3), 'names.csv': 'name\na\n' })
    const options = { task: 'report', params: { year: 2001 } }
    const first = await some.run(options)
    expect(Object.keys(statusesOf(first)).length).toBe(7)
    expect(new Set(first.tasks.map(({ status }) => status))).toEqual(new Set(['complete']))
    expect(new Set(Object.values(reasonsOf(first)))).toEqual(new Set(['first run']))

    expect(await some.run(options)).toMatchObject({ status: 'skipped' })

    some.write({ '2001-02.csv': 'delay\n5\n' })
    expect(reasonsOf(await some.run(options))).toEqual({
      'flights(month=2001-02)': 'input changed: 1 of 1 files',
      'delays(month=2001-02)': 'upstream changed: flights(month=2001-02)',
      'report(year=2001)': 'upstream changed: delays(month=2001-02)',
    })

    some.write({ 'pipeline.ts': monthly(2) })
    const changed = reasonsOf(await some.run(options))
    expect(changed).toEqual({
      'delays(month=2001-01)': 'code changed: transform step 1',
      'delays(month=2001-02)': 'code changed: transform step 1',
      'delays(month=2001-03)': 'code changed: transform step 1',
      'report(year=2001)': 'upstream changed: delays(month=2001-01), delays(month=2001-02), delays(month=2001-03)',
    })
    const forced = await some.run({ params: { month: '2001-01' }, task: 'flights', force: true })
    expect(reasonsOf(forced)).toEqual({ 'flights(month=2001-01)': 'forced' })
  })

  it('keeps the reason in the state of the run', async () => {
    const some = project(monthly(), csvs(1))
    await some.run({ task: 'flights', params: { month: '2001-01' } })
    const [runId = ''] = readdirSync(join(some.out, '.fanmill/runs'))
    const record = JSON.parse(readFileSync(join(some.out, '.fanmill/runs', runId, '1/run.json'), 'utf8'))
    expect(record.reasons).toEqual([{ kind: 'neverRun', text: 'first run' }])
    expect(Object.keys(record.codeParts)).toEqual(expect.arrayContaining(['source', 'columns', 'output']))
  })

  it('records the graph and how each node ended', async () => {
    const some = project(monthly(), csvs(1))
    await some.run({ task: 'delays', params: { month: '2001-01' } })
    const folder = join(some.out, '.fanmill/graphs')
    const [graphId = ''] = readdirSync(folder)
    const read = (name: string) => JSON.parse(readFileSync(join(folder, graphId, name), 'utf8'))
    expect(read('graph.json').nodes.map(({ key }: { key: string }) => key)).toEqual([
      'flights(month=2001-01)',
      'delays(month=2001-01)',
    ])
    expect(read('walk.json').nodes).toMatchObject([
      { node: 'flights(month=2001-01)', state: 'complete', reasons: [{ kind: 'neverRun' }] },
      { node: 'delays(month=2001-01)', state: 'complete', runId: expect.any(String) },
    ])
  })

  it('leaves out what depends on a failed node, and completes everything else', async () => {
    const some = project(monthly(), { ...csvs(1, 'many', 3), 'names.csv': 'name\na\n' })
    const result = await some.run({ task: 'report', params: { year: 2001 } })
    expect(result).toMatchObject({ status: 'failed', error: { code: 'REJECTS_OVER_LIMIT' } })
    expect(statusesOf(result)).toEqual({
      'flights(month=2001-01)': 'complete',
      'delays(month=2001-01)': 'complete',
      'flights(month=2001-02)': 'failed',
      'delays(month=2001-02)': 'notRun',
      'flights(month=2001-03)': 'complete',
      'delays(month=2001-03)': 'complete',
      'report(year=2001)': 'notRun',
    })
  })

  it('emits an event when a node ends, and says why a run starts', async () => {
    const some = project(monthly(), csvs(1))
    const events: RunEvent[] = []
    await some.run({ task: 'delays', params: { month: '2001-01' }, onEvent: event => void events.push(event) })
    const starts = events.flatMap(event => (event.event === 'start' ? [[event.node, event.reasons?.[0]?.kind]] : []))
    expect(starts).toEqual([
      ['flights(month=2001-01)', 'neverRun'],
      ['delays(month=2001-01)', 'neverRun'],
    ])
    const ends = events.flatMap(event => (event.event === 'node' ? [[event.node, event.status]] : []))
    expect(ends).toEqual([
      ['flights(month=2001-01)', 'complete'],
      ['delays(month=2001-01)', 'complete'],
    ])
  })
})

describe('a backfill', () => {
  const daily = `${imports}
export default pipeline({ name: 'sales', tasks: [task({
  name: 'sales',
  params: { month: param.month() },
  source: files({ paths: '{month}.csv', format: csv() }),
  columns: { delay: column.int32({ required: true }) },
  output: parquet({ path: 'sales', mode: 'replacePartitions', partitionBy: ['month'] }),
}).sql(({ month }) => sql\`select *, \${month} as month from input\`)] })
`.replace('rowsFrom,', 'rowsFrom, sql,')

  it('runs a range of months into one dataset, one after another, and skips those that are complete', async () => {
    const some = project(daily, csvs(1, 2, 3))
    await some.run({ params: { month: '2001-02' } })
    const result = await some.run({ params: { month: '2001-01..2001-03' } })
    expect(statusesOf(result)).toEqual({
      'sales(month=2001-01)': 'complete',
      'sales(month=2001-02)': 'skipped',
      'sales(month=2001-03)': 'complete',
    })
    expect(reasonsOf(result)['sales(month=2001-03)']).toBe('first run with these parameters: sales(month=2001-03)')
    const { parts, generation } = some.manifest('sales')
    expect(parts.map(({ partition }) => partition?.month).sort()).toEqual(['2001-01', '2001-02', '2001-03'])
    expect(generation).toBe(3)
    expect(await some.run({ params: { month: ['2001-03', '2001-01'] } })).toMatchObject({ status: 'skipped' })
  })

  it('warns when months replace rows of each other, as they are due again at every run', async () => {
    const some = project(daily.replace("partitionBy: ['month']", "partitionBy: ['delay']"), csvs(1, 1, 3))
    const warningsOf = async (months: string) => {
      const events: RunEvent[] = []
      await some.run({ params: { month: months }, onEvent: event => events.push(event) })
      return events.flatMap(event => (event.event === 'log' && event.level === 'warn' ? [event.message] : []))
    }
    expect(await warningsOf('2001-01,2001-03')).toEqual([])
    expect(await warningsOf('2001-02,2001-03')).toEqual([])
    // Each of the first two replaces the rows of the other, every time.
    for (let time = 0; time < 2; time++)
      expect(await warningsOf('2001-01..2001-03')).toEqual([
        'sales: rows of sales(month=2001-01) were replaced by other nodes of this run, which write the same partitions and replace each other at every run; add a column to partitionBy that differs between the nodes',
      ])
  })

  it('completes the other months when one fails, and stops at the first with failFast', async () => {
    const some = project(daily, csvs(1, 'many', 3))
    const params = { month: '2001-01..2001-03' }
    expect(Object.values(statusesOf(await some.run({ params })))).toEqual(['complete', 'failed', 'complete'])
    rmSync(some.out, { recursive: true })
    expect(Object.values(statusesOf(await some.run({ params, failFast: true })))).toEqual([
      'complete',
      'failed',
      'notRun',
    ])
  })
})

describe('a node', () => {
  const rows = (options: string, body: string) => `${imports}
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
const tasks = ['a', 'b', 'c'].map(name => task({
  name,
  source: rowsFrom({ partitions: [name], rows: async function* (partition) { ${body} } }),
  columns: { name: column.string() },
  output: parquet({ path: name }),
  ${options}
}))
export default pipeline({ name: 'p', tasks, resources: { warehouse: 1 } })
`
  it('is tried again as often as the task says', async () => {
    const file = join(project('').folder, 'tried')
    const body = `if (!existsSync('${file}' + partition)) { writeFileSync('${file}' + partition, ''); throw new Error('busy') } yield { name: partition }`
    const failing = project(rows('retries: 0,', body))
    expect(await failing.run({ task: 'a' })).toMatchObject({ status: 'failed', error: { code: 'SOURCE_FAILED' } })
    const some = project(rows('retries: 1,', body))
    const lines: string[] = []
    const onEvent = (event: RunEvent) => void (event.event === 'log' && lines.push(event.message))
    expect(await some.run({ task: 'b', onEvent })).toMatchObject({ status: 'complete' })
    expect(lines).toEqual([expect.stringMatching(/^b failed and is tried again \(1 of 1\): SOURCE_FAILED .*busy/)])
    expect(existsSync(`${file}b`)).toBe(true)
  })

  it('is stopped when its time is over, and its siblings run', async () => {
    const body = `if (partition === 'a') await new Promise(resolve => setTimeout(resolve, 60_000)); yield { name: partition }`
    const some = project(rows('timeoutSeconds: 3,', body))
    const result = await some.run()
    expect(result).toMatchObject({ status: 'failed', error: { code: 'OUT_OF_TIME' } })
    expect(statusesOf(result)).toEqual({ a: 'failed', b: 'complete', c: 'complete' })
  })

  it('waits for the resource that another one uses', async () => {
    const file = join(project('').folder, 'log')
    const body = `appendFileSync('${file}', '+'); await new Promise(resolve => setTimeout(resolve, 50)); appendFileSync('${file}', '-'); yield { name: partition }`
    const some = project(rows('resources: { warehouse: 1 },', body))
    expect(await some.run({ workers: 3 })).toMatchObject({ status: 'complete' })
    expect(readFileSync(file, 'utf8')).toBe('+-+-+-')
  })
})
