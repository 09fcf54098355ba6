/** State that one invocation leaves to the next in the same process. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { CapacityError } from '../../lib/errors/errors.ts'
import { openDeadline } from '../../lib/lambda/deadline.ts'
import { processItem } from '../../lib/lambda/process-item.ts'
import { openLambda } from '../../lib/lambda/session.ts'
import { logger } from '../../lib/lambda/telemetry.ts'
import type { PlanItem } from '../../lib/model/plan-data.ts'
import type { Store } from '../../lib/store/store.ts'
import { Account, context, pipelineText } from './account.ts'
import { listen } from './listen.ts'

const month = '2001-01'
let account: Account
afterEach(async () => {
  vi.restoreAllMocks()
  await account.close()
})

async function planned(task: string, archives: readonly string[], steps = '') {
  account = await Account.open(pipelineText({ task, steps }), { FANMILL_GROUP_BYTES: '1' })
  await account.write('input/t.csv', 'k\n1\n')
  for (const name of archives) await account.upload(`incoming/${month}/${name}.zip`, { [`${name}.csv`]: 'x,y\n1,2\n' })
  const plan = await account.plan('points', { params: { month } })
  if (plan.status !== 'planned') throw new Error(plan.status)
  return { run: plan.run, items: await account.items(plan.planKey) }
}

it('processes the next batch when the time was up while the outcome of the one before was written', async () => {
  const { run, items } = await planned('', ['a', 'b', 'c', 'd'])
  const [first, second] = items as [PlanItem, PlanItem]
  const lambda = await openLambda()
  const deadline = openDeadline(context(900))
  const aborting = new AbortController()
  const create: Store['create'] = (key, bytes) => {
    if (key.includes('/outcomes/')) aborting.abort(new CapacityError('OUT_OF_TIME', 'the time is up'))
    return lambda.output.create(key, bytes)
  }
  const output: Store = new Proxy(lambda.output, {
    get: (store, name) => (name === 'create' ? create : Reflect.get(store, name, store)?.bind?.(store)),
  })
  const at = {
    lambda: { ...lambda, output },
    context: context(900),
    deadline: { ...deadline, signal: aborting.signal },
  }
  const event = { task: 'points', execution: 'execution', run, item: first, tier: 0 }
  expect(await processItem(event, at)).toMatchObject({ batch: first.batch })
  expect(aborting.signal.aborted).toBe(true)
  deadline.close()
  expect(await account.process('points', { run, item: second })).toMatchObject({ batch: second.batch })
})

it('ends a batch with OUT_OF_MEMORY when its process takes more than 92 % of the memory of the function', async () => {
  const slow = '.mapRows(row => { const end = Date.now() + 300; while (Date.now() < end); return row })'
  const { run, items } = await planned('', ['a'], slow)
  const taken = vi.spyOn(process.memoryUsage, 'rss')
  const shareOf = (share: number): number => Math.floor(3008 * 1_048_576 * share)
  taken.mockReturnValue(shareOf(0.93))
  await expect(account.process('points', { run, item: items[0]! })).rejects.toMatchObject({
    name: 'CapacityError',
    code: 'OUT_OF_MEMORY',
    detail: { bytesMax: shareOf(0.92) },
  })
  taken.mockReturnValue(shareOf(0.91))
  expect(await account.process('points', { run, item: items[0]!, tier: 1 })).toMatchObject({ rows: 1 })
})

it('keeps the threads of the last two runs, so that a process that alternates between them sets up each once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-warm-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const log = join(folder, 'setups')
  const setup = `setup: async () => (await import('node:fs')).appendFileSync(${JSON.stringify(log)}, '.'),`
  const tiers = JSON.stringify([{ memoryMb: 3008, threads: 1, temporaryStorageMb: 1024 }])
  account = await Account.open(pipelineText({ task: setup }), { FANMILL_GROUP_BYTES: '1', FANMILL_TIERS: tiers })
  const runs = []
  for (const ofRun of ['2001-01', '2001-02']) {
    for (const name of ['a', 'b'])
      await account.upload(`incoming/${ofRun}/${name}.zip`, { [`${name}.csv`]: 'x,y\n1,2\n' })
    const plan = await account.plan('points', { params: { month: ofRun } })
    if (plan.status !== 'planned') throw new Error(plan.status)
    runs.push({ run: plan.run, items: await account.items(plan.planKey) })
  }
  for (const index of [0, 1])
    for (const { run, items } of runs) await account.process('points', { run, item: items[index]! })
  expect(await readFile(log, 'utf8')).toBe('..')
})

it('keeps no folder when its threads cannot be opened', async () => {
  const tables = "tables: { t: table('t.csv', csv()) },"
  const { run, items } = await planned(tables, ['a'], '.sql`select i.* from input i, t`')
  await account.write('input/t.csv', 'k\n2\n')
  await expect(account.process('points', { run, item: items[0]! })).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
  expect(await readdir(join(account.folder, 'output/.fanmill/tmp'))).toEqual([])
})

it('measures the rows of a batch once, however often it is called for', async () => {
  const { run, items } = await planned('', ['a'])
  process.env.POWERTOOLS_METRICS_DISABLED = 'false'
  const log = listen()
  for (let call = 0; call < 2; call++) await account.process('points', { run, item: items[0]! })
  process.env.POWERTOOLS_METRICS_DISABLED = 'true'
  const measures = log()
    .split('\n')
    .filter(line => line.includes('"_aws"'))
  expect(measures.map(line => JSON.parse(line).Rows)).toEqual([1])
})

it('logs an event that it cannot read without the keys of the invocation before', async () => {
  const { run, items } = await planned('', ['a'])
  await account.process('points', { run, item: items[0]! })
  const log = listen()
  logger.setLogLevel('INFO')
  const refused = account.process('points', { run: 'none', item: items[0]! })
  await expect(refused).rejects.toMatchObject({ code: 'USAGE' })
  logger.setLogLevel('SILENT')
  const line = JSON.parse(log())
  expect(line).toMatchObject({ level: 'ERROR', request: expect.any(String) })
  for (const key of ['run', 'batch', 'execution']) expect(line).not.toHaveProperty(key)
})
