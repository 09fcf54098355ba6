/** Graphs on the functions of a deployed pipeline: ranges of parameters, tasks that require others, failures and changes. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { handler } from '../../functions/graph.ts'
import { graphKeys } from '../../lib/graph/graph.ts'
import { noWaits } from '../../lib/model/waits.ts'
import { Account, context, uploadEvent } from './account.ts'
import { walk } from './graphs.ts'

/** Sales by month; the large ones of them; and their number, which fails where a file of the test says so. */
const shops = (edit = 'total >= 20') => `
import { existsSync } from 'node:fs'
import { column, param, parquet, partitionsOf, pipeline, rowsFrom, task } from 'fanmill'

const sales = task({
  name: 'sales',
  params: { month: param.month() },
  source: rowsFrom({
    partitions: ({ month }) => [{ month }],
    async *rows({ month }) {
      if (existsSync(process.env.FANMILL_TEST_CLOSED + month)) throw new Error('the shop is closed')
      for (const total of [10, 20, 30]) yield { total }
    },
  }),
  columns: { total: column.int32() },
  output: parquet({ path: '{task}/{month}' }),
})
const large = task({
  name: 'large',
  retries: 1,
  source: partitionsOf(sales),
  output: parquet({ path: '{task}/{month}' }),
}).sql\`select total from input where ${edit}\`
const doubled = task({
  name: 'doubled',
  source: partitionsOf(large),
  output: parquet({ path: '{task}/{month}' }),
}).sql\`select 2 * total as total from input\`

export default pipeline({ name: 'shops', tasks: [doubled, large, sales], trigger: { upload: 'incoming/{month}/*.csv' } })
`

let account: Account
beforeEach(async () => {
  account = await Account.open(shops())
  process.env.FANMILL_TEST_CLOSED = join(account.folder, 'closed-')
})
afterEach(() => account.close())

const key = (task: string, month = '2024-01') => `${task}(month=${month})`

describe('a graph on the functions', () => {
  it('runs each task after those that it requires, and none again without a change', async () => {
    const event = { params: { month: '2024-01' } }
    expect(await walk(account, event)).toEqual({
      answer: expect.objectContaining({ status: 'complete', counts: { complete: 3 } }),
      waves: [[key('sales')], [key('large')], [key('doubled')]],
    })
    expect(await account.rows('doubled/2024-01')).toEqual([{ total: 40 }, { total: 60 }])
    expect((await walk(account, event)).answer).toMatchObject({ status: 'complete', counts: { skipped: 3 } })
  })

  it('runs only what depends on an edited step', async () => {
    const event = { params: { month: '2024-01' } }
    await walk(account, event)
    await account.deploy(shops('total >= 30'))
    expect((await walk(account, event)).answer).toMatchObject({ counts: { skipped: 1, complete: 2 } })
    expect(await account.rows('doubled/2024-01')).toEqual([{ total: 60 }])
  })

  it('runs the months of a range in one wave, and their dependants in the next', async () => {
    const { answer, waves } = await walk(account, { task: 'large', params: { month: '2024-01..2024-03' } })
    const months = ['2024-01', '2024-02', '2024-03']
    expect(answer).toMatchObject({ status: 'complete', counts: { complete: 6 } })
    expect(waves).toEqual([months.map(month => key('sales', month)), months.map(month => key('large', month))])
  })

  it('leaves the siblings of a failed node complete, names what did not run, and fails with all failures', async () => {
    await account.write('closed-2024-02', '')
    const { answer, waves } = await walk(account, { task: 'large', params: { month: '2024-01,2024-02' } })
    expect(answer).toMatchObject({
      status: 'failed',
      counts: { complete: 2, failed: 1, notRun: 1 },
      failures: [
        {
          node: expect.stringContaining('2024-02'),
          code: 'BATCHES_FAILED',
          message: expect.stringContaining('closed'),
        },
      ],
    })
    expect(waves).toEqual([[key('sales', '2024-01'), key('sales', '2024-02')], [key('large', '2024-01')]])
  })

  it('gives a node again only as often as its retries say, also where its child left no record', async () => {
    const event = { params: { month: '2024-01' } }
    const lost = await walk(account, event, { stopped: node => node === key('large') })
    expect(lost.waves).toEqual([[key('sales')], [key('large')], [key('large')]])
    expect(lost.answer).toMatchObject({ failures: [{ node: expect.stringContaining('large'), code: 'NODE_LOST' }] })
    const found = await walk(account, event, { stopped: (node, step) => node === key('large') && step < 3 })
    expect(found.answer).toMatchObject({ status: 'complete', counts: { skipped: 1, complete: 2 } })
  })

  it('answers a repeated call as it answered the first time', async () => {
    const call = { execution: 'arn:repeated', event: { params: { month: '2024-01' } }, step: 0, waits: noWaits(1) }
    const ask = () => handler({ ...call, maxConcurrency: 100, nodeConcurrency: 20 }, context(900))
    const first = await ask()
    await account.deploy(shops().replace('[doubled, large, sales]', '[sales]'))
    expect(await ask()).toEqual(first)
  })

  it('asks for every task whose parameters the key of an upload binds, and names the others', async () => {
    const yearly =
      ".with({ name: 'yearly', params: { month: param.month(), year: param.integer() }, output: parquet({ path: '{task}/{year}/{month}' }) })"
    await account.deploy(
      shops()
        .replace('export default', `const yearly = sales${yearly}\nexport default`)
        .replace('[doubled', '[yearly, doubled'),
    )
    const { answer } = await walk(account, uploadEvent('incoming/2024-01/a.csv'))
    expect(answer).toMatchObject({ status: 'complete', counts: { complete: 3 } })
    const request = await readFile(join(account.folder, 'output', graphKeys(answer.graph).request), 'utf8')
    expect(JSON.parse(request)).toMatchObject({ ignored: ['yearly'] })
    expect((await walk(account, uploadEvent('incoming/all/a.csv'))).answer).toMatchObject({ counts: {} })
  })

  it('waits for further uploads before it plans a node', async () => {
    process.env.FANMILL_SETTLE_SECONDS = '1'
    const { answer } = await walk(account, uploadEvent('incoming/2024-01/a.csv'))
    expect(answer).toMatchObject({ status: 'complete', counts: { complete: 3 } })
  })

  it('shares the batches at once among the nodes that run at once, and gives each one at least', async () => {
    const event = { task: 'sales', params: { month: '2024-01..2024-03' } }
    const shareOf = async (maxConcurrency: number, nodeConcurrency: number) => {
      const call = { execution: `arn:${maxConcurrency}/${nodeConcurrency}`, event, step: 0, waits: noWaits(1) }
      return handler({ ...call, maxConcurrency, nodeConcurrency }, context(900))
    }
    expect(await shareOf(10, 20)).toMatchObject({ nodes: 3, maxConcurrency: 3 })
    expect(await shareOf(10, 2)).toMatchObject({ nodes: 3, maxConcurrency: 5 })
    expect(await shareOf(2, 20)).toMatchObject({ nodes: 3, maxConcurrency: 1 })
  })

  it('runs at a scheduled time every task whose parameters the schedule gives', async () => {
    const schedule =
      "schedule: cron('0 6 1 * ? *', { timezone: 'Europe/Berlin', params: { month: lastMonth } }), trigger:"
    await account.deploy(shops().replace('{ column,', '{ column, cron, lastMonth,').replace('trigger:', schedule))
    const event = { schedule: { time: '2024-01-31T23:30:00Z' } }
    expect(await account.plan('sales', event)).toMatchObject({ status: 'graph' })
    const { answer, waves } = await walk(account, event)
    expect(answer).toMatchObject({ status: 'complete', counts: { complete: 3 } })
    expect(waves[0]).toEqual([key('sales')])
  })

  it('is what Plan asks for where one task requires others, or has several values', async () => {
    const plan = (task: string, params: object) => account.plan(task, { task, params })
    expect(await plan('sales', { month: '2024-01..2024-02' })).toMatchObject({ status: 'graph', done: true })
    expect(await plan('large', { month: '2024-01' })).toMatchObject({ status: 'graph' })
    expect(await plan('sales', { month: '2024-01' })).toMatchObject({ status: 'planned' })
    await expect(plan('sales', { month: '2024-02..2024-01' })).rejects.toThrow('PARAM_INVALID')
  })
})
