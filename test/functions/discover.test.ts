/** Tasks that find out what they require, on the functions of a deployed pipeline. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { handler } from '../../functions/graph.ts'
import { noWaits } from '../../lib/model/waits.ts'
import { Account, context } from './account.ts'
import { walk } from './graphs.ts'

/** Reads the sales of the shops that the input has, and the rows of the first of them. */
const shops = (discover: string) => `
import { appendFileSync, existsSync } from 'node:fs'
import { column, csv, files, param, parquet, partitionsOf, pipeline, task } from 'fanmill'
const sales = task({
  name: 'sales',
  params: { shop: param.string() },
  source: files({ paths: 'sales/{shop}.csv', format: csv() }),
  columns: { total: column.int32({ required: true }) },
  output: parquet({ path: '{task}/{shop}' }),
})
const names = task({
  name: 'names',
  source: files({ paths: 'names.csv', format: csv() }),
  columns: { name: column.string() },
  output: parquet({ path: '{task}' }),
})
const best = task({
  name: 'best',
  requires: names,
  retries: 1,
  async discover(params, { list, required, signal }) {
    appendFileSync(process.env.FANMILL_TEST_ASKED, required[0].name + ' ')
    if (existsSync(process.env.FANMILL_TEST_ASKED + '-closed')) throw new Error('no answer')
    const shops = (await list('sales/*.csv')).map(file => file.slice(6, -4))
    ${discover}
  },
  source: partitionsOf(sales),
  output: parquet({ path: '{task}' }),
}).sql\`select 2 * total as total from input\`
export default pipeline({ name: 'shops', tasks: [sales, names, best] })
`
const oldest = `return [sales.withParams({ shop: shops[0] })]`

let account: Account
beforeEach(async () => {
  account = await Account.open(shops(oldest))
  await account.write('input/names.csv', 'name\nx\n')
  await account.write('input/sales/a.csv', 'total\n1\n')
  await account.write('input/sales/b.csv', 'total\n2\n')
  process.env.FANMILL_TEST_ASKED = join(account.folder, 'asked')
})
afterEach(() => account.close())

const asked = (): string => {
  const file = process.env.FANMILL_TEST_ASKED ?? ''
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

describe('a task with discover on the functions', () => {
  const event = { task: 'best' }

  it('is asked once between two waves, runs after what it found out, and reads its rows', async () => {
    const { answer, waves } = await walk(account, event)
    expect(waves).toEqual([['names'], ['sales(shop=a)'], ['best']])
    expect(answer).toMatchObject({ status: 'complete', counts: { complete: 3 } })
    expect(asked()).toBe('names ')
    expect(await account.rows('best')).toEqual([{ total: 2 }])
    expect((await walk(account, event)).answer).toMatchObject({ status: 'complete', counts: { skipped: 3 } })
    expect(asked()).toBe('names names ')
  })

  it('gives the same answer again in a later execution, until the task is complete', async () => {
    await account.write('input/sales/a.csv', 'total\nmany\n')
    expect((await walk(account, event)).answer).toMatchObject({ status: 'failed', counts: { failed: 1, notRun: 1 } })
    await account.write('input/sales/0.csv', 'total\n7\n')
    await account.write('input/sales/a.csv', 'total\n3\n')
    const again = await walk(account, event)
    expect(again.waves).toEqual([['names'], ['sales(shop=a)'], ['best']])
    expect(asked()).toBe('names ')
    expect(await account.rows('best')).toEqual([{ total: 6 }])
    await walk(account, event)
    expect(await account.rows('best')).toEqual([{ total: 14 }])
  })

  it('is asked again once it is complete, also when the execution ended right then', async () => {
    await walk(account, event, { endsAfter: nodes => nodes.includes('best') })
    await account.write('input/sales/0.csv', 'total\n7\n')
    await walk(account, event)
    expect(asked()).toBe('names names ')
    expect(await account.rows('best')).toEqual([{ total: 14 }])
  })

  it('answers a repeated call of Graph alike, without asking again', async () => {
    await walk(account, { task: 'names' })
    const given = {
      execution: 'arn:repeated',
      event,
      step: 0,
      waits: noWaits(1),
      maxConcurrency: 100,
      nodeConcurrency: 20,
    }
    const first = await handler(given, context(900))
    expect(await handler(given, context(900))).toEqual(first)
    expect(asked().length).toBeLessThanOrEqual('names '.length)
  })

  it('is asked again by the state machine when the time of Graph is over, and does not fail for that', async () => {
    const untilStopped = `if (!existsSync(process.env.FANMILL_TEST_ASKED + '-quick'))
      await new Promise((done, stop) => signal.addEventListener('abort', () => stop(new Error('stopped'))))
    ${oldest}`
    await account.deploy(shops(untilStopped).replace('requires: names,', '').replace('required[0].name', `'none'`))
    const step = { execution: 'arn:slow', event, step: 0, waits: noWaits(1), maxConcurrency: 100, nodeConcurrency: 20 }
    await expect(handler(step, context(1))).rejects.toMatchObject({ name: 'TransientError', code: 'OUT_OF_TIME' })
    await account.write('asked-quick', '')
    expect(await handler(step, context(900))).toMatchObject({ status: 'wave', nodes: 1 })
  })

  it('fails as a node when it cannot find out, after its retries, or returns what makes no graph', async () => {
    appendFileSync(`${process.env.FANMILL_TEST_ASKED}-closed`, '')
    const { answer, waves } = await walk(account, event)
    expect(waves).toEqual([['names']])
    expect(answer).toMatchObject({
      status: 'failed',
      counts: { complete: 1, failed: 1 },
      failures: [{ node: 'best', code: 'SOURCE_FAILED', message: expect.stringContaining('no answer') }],
    })
    expect(asked()).toBe('names names ')
    await account.write('asked-closed', '')
    await account.deploy(
      shops('return sales').replace(`if (existsSync(process.env.FANMILL_TEST_ASKED + '-closed'))`, 'if (false)'),
    )
    expect((await walk(account, event)).answer).toMatchObject({
      failures: [{ node: 'best', code: 'PARAM_UNBOUND', message: expect.stringContaining('best → sales: param shop') }],
    })
  })
})
