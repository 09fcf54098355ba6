/** Tasks that run programs or call services, on the functions of a deployed pipeline. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { PlannedCall } from '../../lib/aws/lambda-events.ts'
import { Account } from './account.ts'
import { walk } from './graphs.ts'

/** A program that exports orders; a service that makes a mart of them; and a task that reads the mart. */
const shop = `
import { column, csv, files, param, parquet, pipeline, programTask, stateTask, task } from 'fanmill'

const exported = programTask({
  name: 'exported',
  params: { month: param.month() },
  command: ({ month }) => ['sh', 'export.sh', month],
  target: 'exported/{month}/_SUCCESS',
  root: 'output',
})
const mart = stateTask({
  name: 'mart',
  requires: exported,
  integration: 'glue:startJobRun.sync',
  arguments: ({ month }) => ({ JobName: 'mart', Arguments: { '--month': month } }),
  permissions: [{ actions: ['glue:StartJobRun'], resources: ['arn:aws:glue:eu-west-1:1:job/mart'] }],
  target: 'mart/{month}/*.csv',
  timeoutSeconds: 600,
  retries: 1,
})
const report = task({
  name: 'report',
  requires: mart,
  source: files({ paths: 'mart/{month}/*.csv', format: csv() }),
  columns: { total: column.int32() },
  output: parquet({ path: '{task}/{month}' }),
})
export default pipeline({ name: 'shop', tasks: [exported, mart, report] })
`
const exporter = `mkdir -p "$(dirname "$FANMILL_TARGET")" && echo "$1 of $FANMILL_TASK" > "$FANMILL_TARGET"`
const event = { params: { month: '2024-01' } }

let account: Account
afterEach(() => account.close())

async function open(): Promise<PlannedCall[]> {
  account = await Account.open(shop)
  await account.write('asset-0/files/export.sh', exporter)
  return []
}

const writeMart = (total = 30) => account.write('input/mart/2024-01/1.csv', `total\n${total}\n`)

/** Orders in currencies, and a table of rates that another task writes. */
const exchange = (rate: number) => `
import { column, items, parquet, pipeline, table, task } from 'fanmill'
const rates = task({
  name: 'rates',
  source: items([{ currency: 'EUR', rate: ${rate} }]),
  columns: { currency: column.string(), rate: column.int32() },
  output: parquet({ path: '{task}', partitionBy: ['currency'] }),
})
const orders = task({
  name: 'orders',
  source: items([{ currency: 'EUR', amount: 5 }]),
  columns: { currency: column.string(), amount: column.int32() },
  tables: { rates: table(rates) },
  output: parquet({ path: '{task}' }),
}).sql\`select amount * rate as amount from input join rates using (currency)\`
export default pipeline({ name: 'orders', tasks: [orders, rates] })
`

describe('a table of rows that another task writes, on the functions', () => {
  it('is written before the task that joins it, which runs again when it has other rows', async () => {
    account = await Account.open(exchange(2))
    const { waves, answer } = await walk(account, {})
    expect(waves).toEqual([['rates'], ['orders']])
    expect(answer).toMatchObject({ status: 'complete' })
    await account.deploy(exchange(3))
    expect((await walk(account, { task: 'orders' })).answer).toMatchObject({ counts: { complete: 2 } })
    expect(await account.rows('orders')).toEqual([{ amount: 15 }])
    expect((await walk(account, { task: 'orders' })).answer).toMatchObject({ counts: { skipped: 2 } })
  })
})

describe('programs and services on the functions', () => {
  it('runs a program in Process, lets a state call a service, and then what reads its files', async () => {
    const calls = await open()
    const service = async (call: PlannedCall): Promise<void> => {
      calls.push(call)
      await writeMart()
    }
    const { answer, waves } = await walk(account, event, { service })
    expect(answer).toMatchObject({ status: 'complete', counts: { complete: 3 } })
    expect(waves).toEqual(['exported', 'mart', 'report'].map(task => [`${task}(month=2024-01)`]))
    expect(calls).toEqual([
      {
        integration: 'glue:startJobRun.sync',
        arguments: { JobName: 'mart', Arguments: { '--month': '2024-01' } },
      },
    ])
    expect(await account.rows('report/2024-01')).toEqual([{ total: 30 }])
    expect((await walk(account, event, { service })).answer).toMatchObject({ counts: { skipped: 3 } })

    // Without its target a task is not complete; what requires it runs again as well.
    await rm(join(account.folder, 'output/exported/2024-01/_SUCCESS'))
    expect((await walk(account, event, { service })).answer).toMatchObject({ counts: { complete: 3 } })
    expect(calls).toHaveLength(2)
  })

  it('calls a service with the arguments that the run is made of, which are asked for once', async () => {
    const counted = shop.replace("'--month': month", "'--month': month, '--asked': String(++globalThis.asked)")
    account = await Account.open(`globalThis.asked = 0\n${counted}`)
    await account.write('asset-0/files/export.sh', exporter)
    const calls: PlannedCall[] = []
    const service = async (call: PlannedCall): Promise<void> => {
      calls.push(call)
      await writeMart()
    }
    await walk(account, event, { service })
    expect(calls[0]?.arguments).toMatchObject({ Arguments: { '--asked': '1' } })
  })

  it('calls a service again as its retries say, and ends with its fault', async () => {
    await open()
    let count = 0
    const service = async (): Promise<void> => {
      if (++count < 2) throw new Error('{"ErrorMessage":"no workers"}')
      await writeMart()
    }
    expect((await walk(account, event, { service })).answer).toMatchObject({ counts: { complete: 3 } })
    await writeMart(40)
    await rm(join(account.folder, 'input/mart/2024-01/1.csv'))
    count = Number.NEGATIVE_INFINITY
    const { answer } = await walk(account, event, { service })
    expect(answer).toMatchObject({
      counts: { failed: 1, notRun: 1 },
      failures: [{ code: 'CALL_FAILED', message: expect.stringContaining('no workers') }],
    })
    // The failed run holds nothing: the next execution calls at once.
    expect((await walk(account, event, { service: () => writeMart() })).answer).toMatchObject({ status: 'complete' })
  })

  it('fails with OUTPUT_MISSING when a service ends well without the target of the task', async () => {
    await open()
    const { answer } = await walk(account, event, { service: async () => {} })
    expect(answer).toMatchObject({
      counts: { failed: 1, notRun: 1 },
      failures: [{ message: expect.stringContaining('OUTPUT_MISSING') }],
    })
  })
})
