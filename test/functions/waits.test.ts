/** Waits of executions: the state machine waits instead of a function, and after too many waits a successor continues. */
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { changeHead, openHead } from '../../lib/commit/head.ts'
import { executionOwner } from '../../lib/lambda/session.ts'
import { noWaits, type Waits } from '../../lib/model/waits.ts'
import { readAttempt } from '../../lib/runs/runs.ts'
import { actorOf } from '../../lib/state/files.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { Account, pipelineText } from './account.ts'

const month = '2001-01'
const params = { month }
let account: Account
afterEach(() => account.close())

/** Returns the waits of a branch after this many waits. */
const waitsAfter = (count: number, max = 9): Waits => ({ count, inRow: count, max })

async function planned(execution: string, event: object = { params }) {
  const answer = await account.plan('points', event, { execution })
  if (answer.status !== 'planned') throw new Error(answer.status)
  const [item] = await account.items(answer.planKey)
  return { ...answer, item: item! }
}

describe('Plan', () => {
  it('lets the state machine wait while more uploads may arrive, and returns at once', async () => {
    account = await Account.open(pipelineText(), { FANMILL_SETTLE_SECONDS: '4' })
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const answer = await account.plan('points', event)
    expect(answer).toEqual({
      ...{ status: 'wait', done: false, shipped: '', task: 'points', waitSeconds: 4 },
      waits: { ...noWaits(1), count: 1, inRow: 1 },
    })
  })

  it('gives up its turn to the execution that continues it when its waits are used up', async () => {
    account = await Account.open(pipelineText())
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const first = await planned('first')
    const asking = (execution: string, waits: Waits) => account.plan('points', event, { execution, waits })
    expect(await asking('second', waitsAfter(8))).toMatchObject({ status: 'wait' })
    expect(await asking('third', waitsAfter(0))).toMatchObject({ status: 'busy' })
    expect(await asking('second', waitsAfter(9))).toEqual({
      status: 'continued',
      done: true,
      task: 'points',
      shipped: '',
    })
    expect(await asking('continued-second', waitsAfter(0))).toMatchObject({ status: 'wait' })
    await account.process('points', { run: first.run, item: first.item, execution: 'first' })
    await account.commit('points', { run: first.run, execution: 'first' })
    expect(await asking('continued-second', waitsAfter(1))).toMatchObject({ status: 'complete' })
  })
})

describe('Commit', () => {
  /** Starts a commit of another process. */
  async function lockOutput(run: { runId: string; attempt: number }) {
    const owner = executionOwner('another')
    const actor = actorOf(diskStore(join(account.folder, 'output')), { owner, now: () => Date.now(), leaseMs: 1e6 })
    const head = await openHead(actor, `points/${month}`)
    const committing = { ...run, generation: 1, owner, leaseUntil: Date.now() + 1e6, claim: 7 }
    await changeHead(actor.store, head, { committing })
  }

  it('lets the state machine wait while another process commits to the output', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const { run, item, waits } = await planned('first')
    await account.process('points', { run, item, execution: 'first' })
    await lockOutput({ runId: 'another', attempt: 1 })
    const event = { run, execution: 'first', waits, maxConcurrency: 7 }
    const answer = await account.commit('points', event)
    expect(answer).toEqual({
      ...{ done: false, shipped: '', task: 'points', run, maxConcurrency: 7, losses: 0, waitSeconds: 5 },
      waits: { ...waits, count: 1, inRow: 1 },
    })
    expect(await account.commit('points', { ...event, ...answer })).toMatchObject({ waitSeconds: 7 })
  })

  it('gives up its run to the execution that continues it when its waits are used up', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const { run, item } = await planned('first')
    await account.process('points', { run, item, execution: 'first' })
    await lockOutput({ runId: 'another', attempt: 1 })
    const event = { run, execution: 'first', waits: waitsAfter(9), maxConcurrency: 7 }
    expect(await account.commit('points', event)).toEqual({ done: true, continued: true, shipped: '' })
    const store = diskStore(join(account.folder, 'output'))
    const clock = { now: () => Date.now(), isAlive: () => undefined }
    expect(await readAttempt(store, clock, run)).toMatchObject({ status: 'interrupted' })
    const actor = actorOf(store, { owner: executionOwner('another'), now: () => Date.now(), leaseMs: 1e6 })
    await changeHead(store, await openHead(actor, `points/${month}`), { committing: undefined })
    expect(await account.execute('points', { params }, 'continued-first')).toMatchObject({ status: 'planned', run })
    expect(await account.rows(`points/${month}`)).toEqual([{ x: 1, y: 2 }])
  })
})
