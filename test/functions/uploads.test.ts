/** Many uploads of the same parameters: each row once, and no archive processed more than twice. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { UploadEvent } from '../../lib/aws/lambda-events.ts'
import { run } from '../../lib/index.ts'
import { executionOwner, openLambda } from '../../lib/lambda/session.ts'
import { endRun } from '../../lib/runs/run-lease.ts'
import { readAttempt } from '../../lib/runs/runs.ts'
import { leaveStopped } from '../../lib/runs/turn.ts'
import type { RunRecord } from '../../lib/state/state.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { Account, pipelineText } from './account.ts'

const month = '2001-01'
const names = Array.from({ length: 50 }, (_, index) => `a${index}`)
let account: Account
afterEach(() => account.close())

describe.each(['replace', 'append'])('fifty uploads at once, mode %s', mode => {
  it('gives each row once and processes no archive more than twice', async () => {
    account = await Account.open(
      pipelineText({ task: `output: parquet({ path: '{task}/{month}', mode: '${mode}' }),` }),
      { FANMILL_SETTLE_SECONDS: '0.3' },
    )
    const ends = await Promise.all(
      names.map(async (name, index) => {
        await delay(index * 10)
        const event = await account.upload(`incoming/${month}/${name}.zip`, { 'a.csv': `x,y\n${index},1\n` })
        return account.execute('points', event)
      }),
    )
    expect(ends.filter(end => end.error)).toEqual([])
    expect((await account.rows(`points/${month}`)).map(row => row.x)).toEqual(
      names.map((_, index) => index).sort((a, b) => (String(a) < String(b) ? -1 : 1)),
    )
    const times = await timesProcessed()
    expect(Math.max(...times.values())).toBeLessThanOrEqual(mode === 'append' ? 1 : 2)
    expect(times.size).toBe(50)
  })
})

describe('events', () => {
  it('ignores keys of other buckets, keys that do not match the trigger, and keys with texts that are no values of the parameters', async () => {
    account = await Account.open(pipelineText())
    const event = await account.upload('elsewhere/a.zip', { 'a.csv': 'x,y\n' })
    expect(await account.plan('points', event)).toEqual({ status: 'ignored', done: true, task: 'points', shipped: '' })
    expect(
      await account.plan('points', await account.upload('incoming/latest/a.zip', { 'a.csv': 'x,y\n' })),
    ).toMatchObject({ status: 'ignored' })
    expect(await account.plan('points', await account.upload(`incoming/${month}/a.txt`, {}))).toMatchObject({
      status: 'ignored',
    })
  })

  it('refuses an input that is neither an upload nor a request, with the wrong field', async () => {
    account = await Account.open(pipelineText())
    await expect(account.plan('points', { parameters: { month } })).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'USAGE',
    })
    await expect(account.plan('points', { params: { moth: month } })).rejects.toMatchObject({ code: 'PARAM_INVALID' })
    await expect(account.plan('points', { task: 'point' })).rejects.toMatchObject({ code: 'TASK_UNKNOWN' })
  })

  it.each(['append', 'replacePartitions'])(
    'leaves no upload to one that waits for other parameters, of one dataset, mode %s',
    async mode => {
      account = await Account.open(
        pipelineText({ task: `output: parquet({ path: '{task}', mode: '${mode}', partitionBy: ['x'] }),` }),
      )
      const uploads = await Promise.all(
        ['2001-01', '2001-02', '2001-03'].map((each, index) =>
          account.upload(`incoming/${each}/a.zip`, { 'a.csv': `x,y\n${index},1\n` }),
        ),
      )
      const [first, second, third] = uploads as [UploadEvent, UploadEvent, UploadEvent]
      const planned = await account.plan('points', first, { execution: 'first' })
      if (planned.status !== 'planned') throw new Error(planned.status)
      const waiting = await Promise.all(
        [second, third].map((event, index) => account.plan('points', event, { execution: `waiting-${index}` })),
      )
      expect(waiting).toMatchObject([{ status: 'wait' }, { status: 'wait' }])
      const [item] = await account.items(planned.planKey)
      await account.process('points', { run: planned.run, item: item!, execution: 'first' })
      await account.commit('points', { run: planned.run, execution: 'first' })
      await account.execute('points', second, 'waiting-0')
      await account.execute('points', third, 'waiting-1')
      expect((await account.rows('points')).map(row => row.x)).toEqual([0, 1, 2])
    },
  )

  it('continues the run of a stopped execution, although a function of it was still running', async () => {
    account = await Account.open(pipelineText())
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const planned = await account.plan('points', event, { execution: 'stopped' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const { output } = await openLambda()
    const owner = executionOwner('stopped')
    await endRun(output, planned.run, { owner, now: () => Date.now(), status: 'interrupted' })
    await leaveStopped(output, 'stopped')
    const [item] = await account.items(planned.planKey)
    await account.process('points', { run: planned.run, item: item!, execution: 'stopped' })
    expect(await account.execute('points', event)).toMatchObject({ status: 'planned', run: planned.run })
    expect(await account.rows(`points/${month}`)).toEqual([{ x: 1, y: 2 }])
  })

  it('fails a run when a later one that read other inputs was committed first', async () => {
    account = await Account.open(
      pipelineText({ task: "output: parquet({ path: '{task}', mode: 'replacePartitions', partitionBy: ['x'] })," }),
    )
    const file = join(account.folder, 'pipeline.ts')
    await account.upload('incoming/2001-01/a.zip', { 'a.csv': 'x,y\n1,1\n' })
    await account.upload('incoming/2001-02/a.zip', { 'a.csv': 'x,y\n2,1\n' })
    const planned = await account.plan('points', { params: { month } }, { execution: 'older' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const [item] = await account.items(planned.planKey)
    await account.process('points', { run: planned.run, item: item!, execution: 'older' })
    // A laptop needs no turn.
    const roots = { input: join(account.folder, 'input'), output: join(account.folder, 'output') }
    await run(file, { params: { month: '2001-02' }, ...roots })
    await expect(account.commit('points', { run: planned.run, execution: 'older' })).rejects.toMatchObject({
      name: 'PermanentError',
      message: expect.stringMatching(/^SUPERSEDED .*start again to come after it/),
    })
    expect(await account.execute('points', { params: { month } })).toMatchObject({ status: 'planned' })
    expect(await account.rows('points')).toHaveLength(2)
  })

  it('fails a run when one with an older listing, which lacks an input, was committed first', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,1\n' })
    const b = await account.upload(`incoming/${month}/b.zip`, { 'a.csv': 'x,y\n2,2\n' })
    const planned = await account.plan('points', b, { execution: 'older' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const [item] = await account.items(planned.planKey)
    await account.process('points', { run: planned.run, item: item!, execution: 'older' })
    await rm(join(account.folder, 'input', b.detail.object.key))
    await account.execute('points', { params: { month }, ended: ['older'] }, 'newer')
    await expect(account.commit('points', { run: planned.run, execution: 'older' })).rejects.toMatchObject({
      message: expect.stringMatching(/^SUPERSEDED /),
    })
  })

  it('ends a run without failing when a later one that read all of its inputs was committed first', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,1\n' })
    const older = await account.plan('points', { params: { month } }, { execution: 'older' })
    if (older.status !== 'planned') throw new Error(older.status)
    const [item] = await account.items(older.planKey)
    await account.process('points', { run: older.run, item: item!, execution: 'older' })
    await account.upload(`incoming/${month}/b.zip`, { 'a.csv': 'x,y\n2,2\n' })
    const newer = await account.execute('points', { params: { month }, ended: ['older'] }, 'newer')
    expect(newer).toMatchObject({ status: 'planned' })
    const answer = { done: true, shipped: '', supersededBy: newer.run?.runId }
    expect(await account.commit('points', { run: older.run, execution: 'older' })).toEqual(answer)
    const output = diskStore(join(account.folder, 'output'))
    const clock = { now: () => Date.now(), isAlive: () => undefined }
    expect(await readAttempt(output, clock, older.run)).toMatchObject({
      status: 'superseded',
      error: { code: 'SUPERSEDED' },
    })
    expect(await account.rows(`points/${month}`)).toHaveLength(2)
  })
})

/** Returns the runs that processed an archive, by its key. */
async function timesProcessed(): Promise<Map<string, number>> {
  const folder = join(account.folder, 'output/.fanmill/runs')
  const times = new Map<string, number>()
  for (const run of await readdir(folder)) {
    const record = JSON.parse(await readFile(join(folder, run, '1/run.json'), 'utf8')) as RunRecord
    for (const { key } of record.inputs) times.set(key, (times.get(key) ?? 0) + 1)
  }
  return times
}
