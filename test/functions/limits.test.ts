/** Limits of invocations: their time, the size of members, and the values that they must not reveal. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { CapacityError } from '../../lib/errors/errors.ts'
import { type LambdaContext, openDeadline } from '../../lib/lambda/deadline.ts'
import { planTask } from '../../lib/lambda/plan-task.ts'
import { openLambda } from '../../lib/lambda/session.ts'
import { noWaits } from '../../lib/model/waits.ts'
import type { ReadOptions, Store } from '../../lib/store/store.ts'
import { parquetOf } from '../engine/converting.ts'
import { Account, pipelineText } from './account.ts'

const month = '2001-01'
const params = { month }
let account: Account
afterEach(() => account.close())

const csvFiles = {
  ending: 'csv',
  task: "source: files({ paths: 'incoming/{month}/*.csv', format: csv() }),",
  content: Buffer.from('x,y\n1,2\n'),
} as const

describe('pending parts that something removes', () => {
  const remove = async (): Promise<void> =>
    rm(join(account.folder, 'output/.fanmill/pending'), { recursive: true, force: true })

  it('end the execution with PARTS_LOST when they are gone before each commit', async () => {
    account = await Account.open(pipelineText())
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    account.beforeCommit = remove
    const { error, batches, commitCalls, run } = await account.execute('points', event)
    expect(error).toMatchObject({ name: 'PermanentError', code: 'PARTS_LOST', detail: { batches: [0] } })
    expect({ batches, commitCalls }).toEqual({ batches: [0, 0, 0, 0], commitCalls: 4 })
    const end = await readFile(join(account.folder, `output/.fanmill/runs/${run?.runId}/1/end.json`), 'utf8')
    expect(JSON.parse(end)).toMatchObject({ status: 'failed', error: { code: 'PARTS_LOST' } })
  })

  it('are written again when they are gone once', async () => {
    account = await Account.open(pipelineText())
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    account.beforeCommit = async () => {
      account.beforeCommit = () => Promise.resolve()
      await remove()
    }
    expect(await account.execute('points', event)).toMatchObject({ batches: [0, 0], commitCalls: 2 })
    expect(await account.rows(`points/${month}`)).toEqual([{ x: 1, y: 2 }])
  })
})

describe('deadlines', () => {
  it('ends a batch whose time is up as a CapacityError, and the next tier does it', async () => {
    const slow =
      '.mapRows(row => { const end = Date.now() + (process.env.SLOW ? 100 : 0); while (Date.now() < end); return row })'
    account = await Account.open(pipelineText({ steps: slow }))
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': `x,y\n${'1,2\n'.repeat(3000)}` })
    const planned = await account.plan('points', { params })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const [item] = await account.items(planned.planKey)
    process.env.SLOW = '1'
    const failing = account.process('points', { run: planned.run, item: item!, seconds: 2 })
    await expect(failing).rejects.toMatchObject({
      name: 'CapacityError',
      code: 'OUT_OF_TIME',
      message: expect.stringMatching(/^OUT_OF_TIME/),
    })
    delete process.env.SLOW
    await account.process('points', { run: planned.run, item: item!, tier: 1 })
    expect(await account.commit('points', { run: planned.run })).toEqual({ done: true, shipped: '' })
  })

  it('stops a commit between two changes, and continues in the next call until it is done', async () => {
    account = await Account.open(
      pipelineText({ task: "output: parquet({ path: '{task}/{month}', partitionBy: ['x'] })," }),
    )
    await account.upload(`incoming/${month}/a.zip`, {
      'a.csv': `x,y\n${Array.from({ length: 40 }, (_, x) => `${x},1\n`).join('')}`,
    })
    const planned = await account.plan('points', { params })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const [item] = await account.items(planned.planKey)
    await account.process('points', { run: planned.run, item: item! })
    const answers: boolean[] = []
    while (answers.at(-1) !== true) {
      answers.push((await account.commit('points', { run: planned.run }, shortContext(14))).done)
      const isVisible = (await readdir(join(account.folder, 'output/points', month))).includes('_SUCCESS')
      expect(isVisible).toBe(answers.at(-1))
      expect(answers.length).toBeLessThan(20)
    }
    expect(answers.length).toBeGreaterThan(2)
    expect(await account.rows(`points/${month}`)).toHaveLength(40)
  })

  it.each([
    { what: 'directories of archives', method: 'read', ending: 'zip', task: '', content: { 'a.csv': 'x,y\n1,2\n' } },
    { what: 'identities of files that are streamed', method: 'stream', ...csvFiles },
    { what: 'identities of small files on a disk', method: 'scan', ...csvFiles },
  ] as const)('keeps the $what that a plan has read, so that the next call reads only the others', async given => {
    const { method, ending, task, content } = given
    account = await Account.open(pipelineText({ task }))
    for (let index = 0; index < 40; index++) await account.upload(`incoming/${month}/${index}.${ending}`, content)
    const planning = join(account.folder, 'output/.fanmill/planning')
    const lambda = await openLambda()
    const event = { task: 'points', execution: 'one', event: { params }, waits: noWaits(1), maxConcurrency: 100 }
    const deadline = openDeadline({ getRemainingTimeInMillis: () => 1e6 })
    const read: string[] = []
    const aborting = new AbortController()
    const readAndCount = (key: string, ...rest: [ReadOptions, (bytes: Uint8Array) => void]) => {
      read.push(key)
      if (new Set(read).size === 20) aborting.abort(new CapacityError('OUT_OF_TIME', 'the time is up'))
      return lambda.input[method]!(key, ...rest)
    }
    const input: Store = new Proxy(lambda.input, {
      get(store, name) {
        if (name === method) return readAndCount
        // Like S3, whose answers always take time.
        if (name === 'scan' && method === 'stream') return undefined
        return Reflect.get(store, name, store)?.bind?.(store)
      },
    })
    const at = {
      lambda: { ...lambda, input },
      context: shortContext(1000),
      deadline: { ...deadline, signal: aborting.signal },
    }
    expect(await planTask(event, at)).toEqual({ status: 'more', done: false, task: 'points', waits: noWaits(1) })
    expect(await readdir(planning)).toHaveLength(1)
    const before = new Set(read)
    read.length = 0
    expect(await planTask(event, { ...at, deadline })).toMatchObject({ status: 'planned' })
    expect(before.size).toBeLessThan(40)
    expect(read.filter(key => before.has(key))).toEqual([])
    expect(new Set([...before, ...read]).size).toBe(40)
    const [kept] = await readdir(planning)
    expect(String(gunzipSync(await readFile(join(planning, kept!))))).toBe('[]')
    deadline.close()
  })
})

describe('requests that S3 refuses for their rate', () => {
  it('are retried by Process until shortly before its deadline', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const planned = await account.plan('points', { params })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const { patience } = await openLambda()
    expect(patience.untilMs).toBeLessThan(Date.now())
    const [item] = await account.items(planned.planKey)
    await account.process('points', { run: planned.run, item: item!, seconds: 500 })
    const leftSeconds = (patience.untilMs - Date.now()) / 1000
    expect(leftSeconds).toBeLessThan(485)
    expect(leftSeconds).toBeGreaterThan(200)
  })
})

describe('sizes', () => {
  it('refuses a member that no tier could finish, before the run begins', async () => {
    account = await Account.open(pipelineText({ steps: '.mapRows(row => row)' }), {
      FANMILL_TIERS: JSON.stringify([{ memoryMb: 1, threads: 1, temporaryStorageMb: 512 }]),
    })
    await account.upload(`incoming/${month}/a.zip`, { 'long.csv': `x,y\n${'1,2\n'.repeat(17_000_000)}` })
    await expect(account.plan('points', { params })).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'MEMBER_TOO_LONG',
      message: expect.stringMatching(/a\.zip, member long\.csv: 0\.1 GB would take about \d+ minutes .*fanmill run/),
    })
    expect(await readdir(join(account.folder, 'output/.fanmill'))).not.toContain('runs')
  })
})

describe('secrets', () => {
  it('reach context.secrets, and neither state, manifest nor errors', async () => {
    const value = 'sesame-8841'
    process.env.GRID_API_KEY = value
    const seen =
      ".mapRows((row, { secrets }) => { if (row.y === 9) throw new Error('refused ' + secrets.api); return { ...row, length: secrets.api.length } }, { adds: { length: column.int32() } })"
    account = await Account.open(pipelineText({ task: "secrets: { api: secret('grid/api-key') },", steps: seen }))
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    expect(await account.execute('points', { params })).toMatchObject({ status: 'planned' })
    expect(await account.rows(`points/${month}`)).toEqual([{ x: 1, y: 2, length: value.length }])
    await account.upload(`incoming/${month}/b.zip`, { 'a.csv': 'x,y\n1,9\n' })
    const { error } = await account.execute('points', { params })
    expect(error?.message).toContain('refused ***')
    for (const file of await readdir(join(account.folder, 'output'), { recursive: true, withFileTypes: true })) {
      if (file.isFile())
        expect((await readFile(join(file.parentPath, file.name))).includes(value), file.name).toBe(false)
    }
    delete process.env.GRID_API_KEY
    await account.upload(`incoming/${month}/c.zip`, { 'a.csv': 'x,y\n1,2\n' })
  })

  it('are missed by name when they are not set', async () => {
    account = await Account.open(pipelineText({ task: "secrets: { api: secret('grid/api-key') }," }))
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const { error } = await account.execute('points', { params })
    expect(error?.message).toMatch(/SECRET_MISSING .*GRID_API_KEY/)
  })

  it('leaves the values of rejected rows out of errors', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,private\n' })
    const { error } = await account.execute('points', { params })
    expect(error?.message).toMatch(/REJECTS_OVER_LIMIT expected at most 0 .*a\.csv line 2, column y: expected int32/)
    expect(JSON.stringify({ ...error, message: error?.message })).not.toContain('private')
  })

  it('leaves the values of rejected rows of Parquet out of errors', async () => {
    const task = `source: zipMembers({ paths: 'incoming/{month}/*.zip', format: parquetFiles() }),`
    account = await Account.open(pipelineText({ task, extra: "import { parquetFiles } from 'fanmill'" }))
    const members = { 'a.parquet': await parquetOf(`select 'private' as x, 1 as y`) }
    await account.upload(`incoming/${month}/a.zip`, members)
    const { error } = await account.execute('points', { params })
    expect(error?.message).toMatch(
      /REJECTS_OVER_LIMIT expected at most 0 .*a\.parquet line 1, column x: expected int32/,
    )
    expect(JSON.stringify({ ...error, message: error?.message })).not.toContain('private')
  })
})

/** Makes the context of an invocation whose clock advances a second each time it is read. */
function shortContext(looks: number): LambdaContext {
  let left = looks * 1000 + 15_000
  return {
    awsRequestId: `short-${looks}`,
    getRemainingTimeInMillis: () => {
      left -= 1000
      return left
    },
  }
}
