/** Tasks that find out what they require while a graph is walked, on a laptop. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../../lib/index.ts'
import { planRun } from '../../lib/local/plans/plan-run.ts'
import { showGraph } from '../../lib/local/plans/show-graph.ts'
import { type Project, project } from './project.ts'

/** A list of shops, the sales of each shop, and a report that requires the sales of the shops that are on the list. */
const shops = (discover = 'return sales.each({ shop: names.sort() })', options = '') => `
import { appendFileSync } from 'node:fs'
import { column, csv, files, openDataset, param, parquet, partitionsOf, pipeline, task } from 'fanmill'
const text = { columns: { name: column.string() } }
const list = task({ name: 'list', source: files({ paths: 'list.csv', format: csv() }), ...text, output: parquet({ path: '{task}' }) })
const sales = task({
  name: 'sales',
  params: { shop: param.string() },
  source: files({ paths: 'sales/{shop}.csv', format: csv() }),
  columns: { total: column.int32({ required: true }) },
  output: parquet({ path: '{task}/{shop}' }),
})
const report = task({
  name: 'report',
  requires: list,
  async discover(params, { required, list }) {
    appendFileSync('ASKED', '+')
    const names = []
    for await (const { name } of (await openDataset(required[0].dataset)).rows()) names.push(name)
    ${discover}
  },
  source: files({ paths: 'names.csv', format: csv() }),
  ...text,
  output: parquet({ path: '{task}' }),
  ${options}
})
const best = task({
  name: 'best',
  discover: async (params, { list }) => sales.withParams({ shop: (await list('sales/*.csv'))[0].slice(6, -4) }),
  source: partitionsOf(sales),
  output: parquet({ path: '{task}' }),
}).sql\`select 2 * total as total from input\`
export default pipeline({ name: 'shops', tasks: [list, sales, report, best] })
`
const input = {
  'list.csv': 'name\nb\na\n',
  'names.csv': 'name\nx\n',
  'sales/a.csv': 'total\n1\n',
  'sales/b.csv': 'total\n2\n',
}

function shopProject(text = shops()): Project & { asked: () => number; pipeline: (text: string) => void } {
  const some = project('', input)
  const file = join(some.folder, 'asked')
  const pipeline = (next: string): void => some.write({ 'pipeline.ts': next.replace('ASKED', file) })
  pipeline(text)
  return { ...some, pipeline, asked: () => (existsSync(file) ? readFileSync(file, 'utf8').length : 0) }
}

const statusesOf = ({ tasks }: Awaited<ReturnType<Project['run']>>) =>
  Object.fromEntries(tasks.map(({ node, status }) => [node, status]))

describe('a task with discover', () => {
  it('runs after what it has found out from complete datasets, and asks again once it is complete', async () => {
    const some = shopProject()
    const complete = { list: 'complete', 'sales(shop=a)': 'complete', 'sales(shop=b)': 'complete', report: 'complete' }
    const first = await some.run({ task: 'report' })
    expect(statusesOf(first)).toEqual(complete)
    expect(first.tasks.map(({ node }) => node)).toEqual(Object.keys(complete))
    expect(some.asked()).toBe(1)
    expect(await some.run({ task: 'report' })).toMatchObject({ status: 'skipped' })
    expect(some.asked()).toBe(2)

    some.write({ 'list.csv': 'name\nb\na\nc\n', 'sales/c.csv': 'total\n3\n' })
    expect(statusesOf(await some.run({ task: 'report' }))).toEqual({
      ...{ list: 'complete', 'sales(shop=a)': 'skipped', 'sales(shop=b)': 'skipped' },
      ...{ 'sales(shop=c)': 'complete', report: 'complete' },
    })
  })

  it('uses the recorded answer after a failure, until its code, its requirements or --force ask again', async () => {
    const some = shopProject()
    some.write({ 'sales/b.csv': 'total\nmany\n' })
    const failed = { list: 'complete', 'sales(shop=a)': 'complete', 'sales(shop=b)': 'failed', report: 'notRun' }
    expect(statusesOf(await some.run({ task: 'report' }))).toEqual(failed)
    await some.run({ task: 'report' })
    expect(some.asked()).toBe(1)
    await some.run({ task: 'report', force: true })
    expect(some.asked()).toBe(2)
    some.write({ 'list.csv': 'name\na\nb\n' })
    await some.run({ task: 'report' })
    expect(some.asked()).toBe(3)
    some.pipeline(shops(`return sales.withParams({ shop: 'a' })`))
    expect(statusesOf(await some.run({ task: 'report' }))).toEqual({
      ...{ list: 'skipped', 'sales(shop=a)': 'skipped', report: 'complete' },
    })
    expect(some.asked()).toBe(4)
  })

  it('is called for each pipeline that has a node of the same name below one output root', async () => {
    const some = shopProject()
    some.write({ 'sales/b.csv': 'total\nmany\n' })
    await some.run({ task: 'report' })
    some.pipeline(shops().replace(`name: 'shops'`, `name: 'others'`))
    await some.run({ task: 'report' })
    expect(some.asked()).toBe(2)
    some.pipeline(shops())
    await some.run({ task: 'report' })
    expect(some.asked()).toBe(2)
  })

  it('reads the rows of the node that it has found out', async () => {
    const some = shopProject()
    expect(statusesOf(await some.run({ task: 'best' }))).toEqual({ 'sales(shop=a)': 'complete', best: 'complete' })
    expect(await some.rows('best')).toEqual([{ total: 2 }])
  })

  it('is planned and drawn with what it would find out, once that can be known', async () => {
    const some = shopProject()
    const file = join(some.folder, 'pipeline.ts')
    const options = { input: some.folder, output: some.out, task: 'report' }
    const before = await planRun(file, options)
    expect(before.tasks.map(({ node }) => node)).toEqual(['list', 'report'])
    expect(before.tasks[1]?.warnings).toEqual([expect.stringContaining('known only when all of requires is complete')])
    await some.run({ task: 'list' })
    const { tasks } = await planRun(file, options)
    expect(tasks.map(({ node, status }) => [node, status])).toEqual([
      ['list', 'complete'],
      ['sales(shop=a)', 'due'],
      ['sales(shop=b)', 'due'],
      ['report', 'due'],
    ])
    const { nodes } = await showGraph(file, options)
    expect(nodes.at(-1)).toMatchObject({ requires: ['list', 'sales(shop=a)', 'sales(shop=b)'] })
  })

  it('fails when its function throws, after its retries, and leaves the others complete', async () => {
    const some = shopProject(shops(`throw new Error('no answer')`, 'retries: 1,'))
    const result = await some.run({ task: 'report' })
    expect(result).toMatchObject({ status: 'failed', error: { code: 'SOURCE_FAILED' } })
    expect(result.error?.message).toContain('task report: discover() failed: no answer')
    expect(statusesOf(result)).toEqual({ list: 'complete', report: 'failed' })
    expect(some.asked()).toBe(2)
  })

  it('ends with ABORTED when the run is stopped while it is asked, or before it is', async () => {
    const some = shopProject(
      shops(`await new Promise(done => setTimeout(done, 300)); return sales.withParams({ shop: 'a' })`),
    )
    const stopped = new AbortController()
    const timer = setInterval(() => some.asked() > 0 && stopped.abort(), 10)
    const asked = await some.run({ task: 'report', signal: stopped.signal }).finally(() => clearInterval(timer))
    expect(asked).toMatchObject({ status: 'failed', error: { code: 'ABORTED' } })
    expect(statusesOf(asked)).toEqual({ list: 'complete', report: 'failed' })

    const other = shopProject()
    const early = new AbortController()
    const onEvent = (event: RunEvent) => void (event.event === 'node' && early.abort())
    const unasked = await other.run({ task: 'report', signal: early.signal, onEvent })
    expect(unasked).toMatchObject({ status: 'failed', error: { code: 'ABORTED' } })
    expect(statusesOf(unasked)).toEqual({ list: 'complete', report: 'notRun' })
  })

  it('fails with the path through the graph when what it returns makes no graph', async () => {
    const some = shopProject(shops('return sales'))
    expect(await some.run({ task: 'report' })).toMatchObject({
      status: 'failed',
      error: {
        code: 'PARAM_UNBOUND',
        message: expect.stringContaining('report → sales: param shop: expected a value'),
      },
    })
    some.pipeline(shops('return 7'))
    expect(await some.run({ task: 'report' })).toMatchObject({
      error: {
        code: 'DEFINITION_INVALID',
        message: expect.stringMatching(/^report: discover: expected a task, .*, got number/),
      },
    })
  })
})
