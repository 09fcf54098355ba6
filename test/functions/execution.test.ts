/** The three functions, called as the state machine calls them, with real threads over real files. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { run } from '../../lib/index.ts'
import type { Outcome } from '../../lib/model/outcome/outcome.ts'
import type { RunName } from '../../lib/model/run/identity.ts'
import { noWaits } from '../../lib/model/waits.ts'
import { runKeys } from '../../lib/state/state.ts'
import { Account, pipelineText, tierOf, uploadEvent } from './account.ts'

const month = '2001-01'
const edited = '.sql`select x, y * 1000 as y from input`'
let account: Account
afterEach(() => account.close())

describe('an execution', () => {
  it('commits the rows of an uploaded archive under the parameters that its key names', async () => {
    account = await Account.open(pipelineText())
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n3,4\n', 'b.csv': 'x,y\n5,6\n' })
    expect(await account.execute('points', event)).toMatchObject({ status: 'planned', batches: [0], commitCalls: 1 })
    expect(await account.rows(`points/${month}`)).toEqual([
      { x: 1, y: 2 },
      { x: 3, y: 4 },
      { x: 5, y: 6 },
    ])
  })

  it('is the same run as on a laptop, with the same rows and schema', async () => {
    account = await Account.open(
      pipelineText({
        task: "tables: { names: table('names.csv', csv()) },",
        steps: '.sql`select i.*, n.name from input i left join names n on n.x = i.x`',
      }),
    )
    await account.write('input/names.csv', 'x,name\n1,one\n')
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n3,4\n' })
    const { run: onLambda } = await account.execute('points', event)
    const output = join(account.folder, 'laptop')
    const result = await run(join(account.folder, 'pipeline.ts'), {
      params: { month },
      input: join(account.folder, 'input'),
      output,
    })
    expect(result.tasks[0]?.runId).toBe(onLambda?.runId)
    const laptop = JSON.parse(await readFile(join(output, `points/${month}/_SUCCESS`), 'utf8'))
    expect(laptop.schema).toEqual((await account.manifest(`points/${month}`)).schema)
    expect(laptop.totals.rows).toBe(2)
    expect(await account.rows(`points/${month}`)).toEqual([
      { x: 1, y: 2, name: 'one' },
      { x: 3, y: 4, name: null },
    ])
  })

  it('spreads its batches over the worker threads of the tier', async () => {
    account = await Account.open(pipelineText(), { FANMILL_TIERS: tierOf(2) })
    const text = `x,y\n${'1,2\n'.repeat(700_000)}`
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': text, 'b.csv': text })
    const { run: name, batches } = await account.execute('points', event)
    expect(batches).toEqual([0])
    const folder = join(account.folder, 'output/.fanmill/runs', `${name?.runId}/${name?.attempt}/outcomes`)
    const outcomes = await Promise.all(
      (await readdir(folder)).map(async file => JSON.parse(await readFile(join(folder, file), 'utf8')) as Outcome),
    )
    const threads = new Set(outcomes.flatMap(outcome => outcome.workers.map(worker => worker.thread)))
    expect(threads.size).toBe(2)
    expect(outcomes.reduce((sum, outcome) => sum + outcome.rowsWritten, 0)).toBe(1_400_000)
  })

  it('processes its batches without reading the record of the run, which may have very many inputs', async () => {
    account = await Account.open(pipelineText())
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const planned = await account.plan('points', event)
    if (planned.status !== 'planned') throw new Error(planned.status)
    const { run: name, planKey } = planned
    await account.write(`output/.fanmill/runs/${name.runId}/${name.attempt}/run.json`, 'no batch reads it')
    const [item] = await account.items(planKey)
    expect(await account.process('points', { run: name, item: item! })).toMatchObject({ rows: 1 })
  })

  it('is complete already for the same event, and for the same content uploaded again', async () => {
    account = await Account.open(pipelineText())
    const members = { 'a.csv': 'x,y\n1,2\n' }
    const first = await account.execute('points', await account.upload(`incoming/${month}/a.zip`, members))
    expect(await account.execute('points', uploadEvent(`incoming/${month}/a.zip`))).toMatchObject({
      status: 'complete',
      run: { runId: first.run?.runId },
    })
    expect(await account.execute('points', await account.upload(`incoming/${month}/a.zip`, members))).toMatchObject({
      status: 'complete',
      batches: [],
    })
  })

  it('runs by hand, and again when forced', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const first = await account.execute('points', { params: { month } })
    expect(await account.execute('points', { task: 'points', params: { month } })).toMatchObject({ status: 'complete' })
    expect(await account.plan('points', { params: { month } })).toMatchObject({ outputPath: `points/${month}` })
    const again = await account.execute('points', { params: { month }, force: true })
    expect(again).toMatchObject({ status: 'planned', run: { runId: first.run?.runId, attempt: 2 } })
    expect(await account.rows(`points/${month}`)).toHaveLength(1)
  })

  it('fails with the member that cannot be read after the other batches have ended, and processes only the missing batch once it is fixed', async () => {
    account = await Account.open(pipelineText(), { FANMILL_GROUP_BYTES: String(1 << 18) })
    const filler = `x,y\n${'7,8\n'.repeat(200_000)}`
    const bad = { name: 'bad.csv', content: 'x,y\n1,one\n' }
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': filler })
    await account.upload(`incoming/${month}/b.zip`, { [bad.name]: bad.content })
    const failed = await account.execute('points', { params: { month } })
    expect(failed.error).toMatchObject({ name: 'PermanentError', code: 'REJECTS_OVER_LIMIT' })
    await expect(account.manifest(`points/${month}`)).rejects.toThrow()
    await account.upload(`incoming/${month}/b.zip`, { [bad.name]: 'x,y\n1,1\n' })
    expect(await account.execute('points', { params: { month } })).toMatchObject({ status: 'planned' })
    expect(await account.rows(`points/${month}`)).toHaveLength(200_001)
  })
})

describe('an execution that continues a run', () => {
  const forced = { params: { month }, force: true }
  const continuing = (run: { runId: string; attempt: number }) => ({
    ...{ task: 'points', params: { month }, resume: run },
    ended: ['forced'],
  })

  it('continues the attempt that was forced, although the one before is complete', async () => {
    account = await Account.open(pipelineText())
    await account.execute('points', await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' }))
    const planned = await account.plan('points', forced, { execution: 'forced' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    expect(planned.run.attempt).toBe(2)
    expect(await account.execute('points', continuing(planned.run))).toMatchObject({
      status: 'planned',
      run: planned.run,
      batches: [0],
    })
    expect(await account.manifest(`points/${month}`)).toMatchObject({ runs: [{ ...planned.run, pipeline: 'grid' }] })
    expect(await account.execute('points', continuing(planned.run))).toMatchObject({ status: 'complete' })
  })

  it('continues a forced attempt of an append, which replaces earlier runs', async () => {
    account = await Account.open(pipelineText({ task: "output: parquet({ path: '{task}/{month}', mode: 'append' })," }))
    await account.execute('points', await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' }))
    const planned = await account.plan('points', forced, { execution: 'forced' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    expect(await account.execute('points', continuing(planned.run))).toMatchObject({
      status: 'planned',
      run: planned.run,
    })
    expect(await account.rows(`points/${month}`)).toEqual([{ x: 1, y: 2 }])
  })

  it('fails with the changed code or inputs when they are no longer the same', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const planned = await account.plan('points', forced, { execution: 'forced' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    await account.upload(`incoming/${month}/b.zip`, { 'a.csv': 'x,y\n3,4\n' })
    await expect(account.plan('points', continuing(planned.run))).rejects.toMatchObject({
      message: expect.stringMatching(/^RUN_CHANGED .*its inputs changed; start again: fanmill start points$/),
    })
    await account.deploy(pipelineText({ steps: edited }))
    await expect(account.plan('points', continuing(planned.run))).rejects.toMatchObject({
      message: expect.stringContaining('its code or tables and inputs changed'),
    })
    expect(await account.execute('points', { params: { month } })).toMatchObject({ status: 'planned' })
  })

  it('fails when a later run was committed first', async () => {
    account = await Account.open(pipelineText())
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const planned = await account.plan('points', forced, { execution: 'forced' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const b = await account.upload(`incoming/${month}/b.zip`, { 'a.csv': 'x,y\n3,4\n' })
    await account.execute('points', { params: { month }, ended: ['forced'] })
    await rm(join(account.folder, 'input', b.detail.object.key))
    await expect(account.plan('points', continuing(planned.run))).rejects.toMatchObject({
      message: expect.stringMatching(/^SUPERSEDED .*start again: fanmill start points$/),
    })
  })
})

describe('a run that was planned before a deployment', () => {
  const forced = { params: { month }, force: true }

  async function plannedWith(steps: string) {
    account = await Account.open(pipelineText({ steps }), { FANMILL_GROUP_BYTES: '1' })
    for (const name of ['a', 'b'])
      await account.upload(`incoming/${month}/${name}.zip`, { [`${name}.csv`]: 'x,y\n1,2\n' })
    const planned = await account.plan('points', forced)
    if (planned.status !== 'planned') throw new Error(planned.status)
    const [first, second] = await account.items(planned.planKey)
    return { run: planned.run, first: first!, second: second! }
  }
  /** Makes the run look as if it was planned eleven minutes ago. */
  async function age({ runId, attempt }: RunName) {
    const path = `output/${runKeys({ runId, attempt }).reservation}`
    const kept = JSON.parse(await readFile(join(account.folder, path), 'utf8'))
    const reservedAt = new Date(Date.parse(kept.run.reservedAt) - 11 * 60_000).toISOString()
    await account.write(path, JSON.stringify({ ...kept, run: { ...kept.run, reservedAt } }))
  }
  const refused = {
    name: 'PermanentError',
    message: expect.stringMatching(/^RUN_CHANGED .*other code of task points.*fanmill start points$/),
  }

  it('never has rows of two versions of the code: its other batches and its commit are refused', async () => {
    const { run, first, second } = await plannedWith('')
    await account.process('points', { run, item: first })
    await account.deploy(pipelineText({ steps: edited }))
    await age(run)
    await expect(account.process('points', { run, item: second })).rejects.toMatchObject(refused)
    await expect(account.commit('points', { run })).rejects.toMatchObject(refused)
    await expect(account.manifest(`points/${month}`)).rejects.toThrow()
    expect(await account.execute('points', { params: { month } })).toMatchObject({ status: 'planned' })
    expect(await account.rows(`points/${month}`)).toEqual([
      { x: 1, y: 2000 },
      { x: 1, y: 2000 },
    ])
  })

  it('is not committed with the limits of the new code, or when its task no longer exists', async () => {
    const { run, first, second } = await plannedWith('')
    for (const item of [first, second]) await account.process('points', { run, item })
    await account.deploy(pipelineText({ task: 'rejects: { max: 5 },' }))
    await age(run)
    await expect(account.commit('points', { run })).rejects.toMatchObject(refused)
    await account.deploy(pipelineText({ task: "name: 'dots'," }))
    await expect(account.commit('points', { run })).rejects.toMatchObject(refused)
  })

  it('is retried while the deployment may not have reached all functions, and succeeds when it has', async () => {
    const { run, first, second } = await plannedWith(edited)
    const passing = {
      name: 'TransientError',
      message: expect.stringMatching(/^RUN_CHANGED .*a deployment may be under way.*fanmill start points$/),
    }
    await account.deploy(pipelineText())
    await expect(account.process('points', { run, item: first })).rejects.toMatchObject(passing)
    await account.deploy(pipelineText({ steps: edited }))
    for (const item of [first, second]) await account.process('points', { run, item })
    await account.deploy(pipelineText())
    const wait = { waitSeconds: 30, waits: { ...noWaits(1), count: 1, inRow: 1 } }
    const answer = await account.commit('points', { run })
    expect(answer).toEqual({ done: false, task: 'points', run, maxConcurrency: 100, losses: 0, shipped: '', ...wait })
    await account.deploy(pipelineText({ steps: edited }))
    expect(await account.commit('points', { run })).toEqual({ done: true, shipped: '' })
    expect((await account.rows(`points/${month}`)).map(row => row.y)).toEqual([2000, 2000])
  })

  it('is found committed when only the answer was lost', async () => {
    const { run, first, second } = await plannedWith('')
    for (const item of [first, second]) await account.process('points', { run, item })
    await account.commit('points', { run })
    await account.deploy(pipelineText({ steps: edited }))
    expect(await account.commit('points', { run })).toEqual({ done: true, shipped: '' })
  })

  it('continues when the code of its task is the same', async () => {
    const { run, first, second } = await plannedWith('')
    await account.process('points', { run, item: first })
    await account.deploy(pipelineText({ extra: '// no code of the task\n' }))
    await account.process('points', { run, item: second })
    expect(await account.commit('points', { run })).toEqual({ done: true, shipped: '' })
  })
})

describe('a batch that fails', () => {
  it('throws an error with the name of its class, writes the failure down, and is named by commit', async () => {
    account = await Account.open(pipelineText({ steps: ".mapRows(() => { throw new Error('no such place') })" }))
    await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    const planned = await account.plan('points', { params: { month } })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const [item] = await account.items(planned.planKey)
    await expect(account.process('points', { run: planned.run, item: item! })).rejects.toMatchObject({
      name: 'PermanentError',
      message: expect.stringMatching(/^TRANSFORM_FAILED .*no such place/),
    })
    await expect(account.commit('points', { run: planned.run })).rejects.toMatchObject({
      name: 'PermanentError',
      message: expect.stringMatching(/^BATCHES_FAILED 1 of 1 batches .*no such place/),
    })
  })

  it('is the only batch that the next execution processes', async () => {
    account = await Account.open(pipelineText(), { FANMILL_GROUP_BYTES: String(1 << 18) })
    for (const name of ['a', 'b', 'c'])
      await account.upload(`incoming/${month}/${name}.zip`, { 'a.csv': `x,y\n${'1,2\n'.repeat(150_000)}` })
    const planned = await account.plan('points', { params: { month } }, { execution: 'first' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const items = await account.items(planned.planKey)
    expect(items.length).toBeGreaterThan(2)
    await account.process('points', { run: planned.run, item: items[0]!, execution: 'first' })
    // The first execution was stopped by hand; the input of the second one says so.
    const second = await account.execute('points', { params: { month }, ended: ['first'] })
    expect(second.batches).toEqual(items.slice(1).map(each => each.batch))
    expect(await account.rows(`points/${month}`)).toHaveLength(450_000)
  })

  it('is not processed by a second execution while the first one runs', async () => {
    account = await Account.open(pipelineText())
    const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
    await account.plan('points', event, { execution: 'first' })
    expect(await account.plan('points', event, { execution: 'second' })).toMatchObject({ status: 'wait' })
    expect(await account.plan('points', event, { execution: 'third' })).toMatchObject({
      status: 'busy',
      done: true,
    })
  })
})
