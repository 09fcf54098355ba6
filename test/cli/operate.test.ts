/** Commands that start, retry, stop and follow executions of a deployed pipeline, with an AWS that answers as it should. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReservedRun } from '../../lib/model/run/reserved-run.ts'
import { reserveRun } from '../../lib/runs/reserve.ts'
import { bindTurn, enterTurn } from '../../lib/runs/turn.ts'
import { readState } from '../../lib/state/files.ts'
import { shippedKeys } from '../../lib/state/shipped-state.ts'
import { readRunEnd, runKeys, stateBytes, successKey } from '../../lib/state/state.ts'
import { parquetOf } from '../engine/converting.ts'
import { outcomeOf } from '../runs/protocol.ts'
import { type FakeAws, type FakeExecution, startAws } from './fake-aws.ts'
import { eventsOf, fanmill } from './fanmill.ts'

let aws: FakeAws
beforeEach(async () => {
  aws = await startAws()
})
afterEach(() => aws.stop())

const operate = (words: string) => fanmill(words.split(' '), { env: aws.env })

interface Reserving {
  readonly month?: string
  readonly leaseMs?: number
}

/** A run of an execution, of a dataset that has the rows of all months. */
async function reserve(
  { arn }: FakeExecution,
  { month = '2001-01', leaseMs = 60_000 }: Reserving = {},
): Promise<ReservedRun> {
  const run = await reserveRun(aws.store, {
    ...{
      outputPath: 'points',
      outputKind: 'parquet',
      task: 'points',
      params: { month },
      codeHash: 'code',
      mode: 'append',
      leaseMs,
    },
    inputs: [{ key: `${month}.zip`, etag: month, identity: month, sizeBytes: 1 }],
    owner: { id: arn, host: 'aws', startedAt: '' },
    now: () => Date.now(),
  })
  if (run.status !== 'new') throw new Error(run.status)
  return run
}

const ended = { status: 'ABORTED', stopDate: 1 } as const
const startedInput = (): Record<string, unknown> => JSON.parse([...aws.executions.values()].at(-1)?.input ?? '{}')

describe('retry', () => {
  it('starts an execution with the attempt to continue and the executions that have ended', async () => {
    const execution = aws.begin('first', ended)
    const { runId, attempt } = await reserve(execution)
    expect(await operate(`retry ${runId}`)).toMatchObject({ code: 0, stderr: '' })
    expect(startedInput()).toEqual({
      ...{ task: 'points', params: { month: '2001-01' } },
      ...{ resume: { runId, attempt }, ended: [execution.arn] },
    })
  })

  it('runs the code that the execution before had brought', async () => {
    const shipped = 'a'.repeat(64)
    const { runId } = await reserve(
      aws.begin('first', { ...ended, input: JSON.stringify({ task: 'points', shipped }) }),
    )
    expect(await operate(`retry ${runId}`)).toMatchObject({ code: 0, stderr: '' })
    expect(startedInput()).toMatchObject({ task: 'points', resume: { runId }, shipped })
    const use = JSON.parse(Buffer.from(await aws.store.read(shippedKeys(shipped).use)).toString())
    expect(Date.parse(use.shippedAt)).toBeGreaterThan(Date.now() - 600_000)
  })

  it('refuses a run whose execution is running, although its lease has expired', async () => {
    const { runId } = await reserve(aws.begin('first'), { leaseMs: 0 })
    const { code, stderr } = await operate(`retry ${runId}`)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `fanmill: RUN_ACTIVE run ${runId} is being worked on by execution first; wait for it, or: fanmill stop first\n`,
    })
  })

  it('resumes a run although a later run has other parameters', async () => {
    const execution = aws.begin('first', ended)
    const runs = [await reserve(execution), await reserve(execution, { month: '2001-02' })]
    const { code, stderr } = await operate('retry')
    expect(code).toBe(2)
    expect(stderr).toContain('pipeline grid has 2 runs that can be continued')
    for (const { runId, params } of runs) expect(stderr).toContain(`${runId} (points month=${params.month})`)
  })
})

describe('start --wait', () => {
  it('ends as skipped when an append finds nothing new', async () => {
    aws.onStart = execution => {
      const task = { task: 'points', status: 'complete', run: { runId: '0123456789abcdef' } }
      Object.assign(execution, { status: 'SUCCEEDED', stopDate: execution.startDate + 1, outputs: [task] })
    }
    const finished = await operate('start --wait --json')
    expect(finished.code).toBe(0)
    expect(eventsOf(finished).end).toMatchObject({ status: 'skipped', tasks: [{ task: 'points', status: 'skipped' }] })
  })
})

describe('start --wait of a complete append', () => {
  const totals = { rows: 5, bytes: 700, parts: 2, rowsRead: 6, rowsRejected: 1, rowsFiltered: 0, members: 2 }
  const dataset = {
    ...{ fanmill: 1, generation: 2, task: 'points', runs: [], schema: [{ name: 'x', type: 'INTEGER' }] },
    ...{ partitionBy: [], parts: [], totals },
  }

  it('prints the rows of the dataset, as a run on a laptop does', async () => {
    await aws.store.write(successKey('points'), stateBytes(dataset))
    aws.onStart = execution => {
      const task = { task: 'points', status: 'complete', run: { runId: '0123456789abcdef' }, outputPath: 'points' }
      const last = { task: 'points', status: 'complete' }
      Object.assign(execution, { status: 'SUCCEEDED', stopDate: execution.startDate + 1, outputs: [task, last] })
    }
    const { end } = eventsOf(await operate('start --wait --json'))
    expect(end?.tasks).toMatchObject([
      {
        ...{ status: 'skipped', node: 'points', output: 's3://lake/points' },
        rowsWritten: 5,
        rowsRead: 6,
        rowsRejected: 1,
        parts: 2,
      },
    ])
  })
})

describe('an execution that was continued by another one', () => {
  const complete = { task: 'points', status: 'complete', run: { runId: '0123456789abcdef' } }
  const end = { status: 'SUCCEEDED', stopDate: 2 } as const

  it('is followed by start --wait to the end of the execution that continues it', async () => {
    const { arn } = aws.begin('next', { ...end, outputs: [complete] })
    aws.onStart = execution => {
      Object.assign(execution, end, { outputs: [{ task: 'points', status: 'continued' }, { continuedBy: arn }] })
    }
    const finished = await operate('start --wait --json')
    expect(finished.code).toBe(0)
    expect(eventsOf(finished).end).toMatchObject({ status: 'skipped', tasks: [{ task: 'points', status: 'skipped' }] })
  })

  it('names the execution that continues it in its status', async () => {
    const outputs = [{ task: 'points', status: 'continued' }, { continuedBy: 'arn:aws:states:::execution:grid:next' }]
    aws.begin('first', { ...end, outputs })
    const { stdout } = await operate('status first')
    expect(stdout).toContain(
      'continued by execution next\ntask points: continued by another execution, after a long wait',
    )
  })
})

describe('status', () => {
  const end = { status: 'SUCCEEDED', stopDate: 2 } as const
  const plannedBy = async (execution: FakeExecution) => {
    const { runId, attempt } = await reserve(execution)
    return { task: 'points', status: 'planned', run: { runId, attempt } }
  }

  it('shows the execution that worked on the latest run, after many uploads that found nothing to do', async () => {
    const first = aws.begin('first', end)
    const planned = await plannedBy(first)
    first.outputs = [planned, { ...planned, status: 'complete' }]
    for (let index = 0; index < 22; index++)
      aws.begin(`late-${index}`, { ...end, outputs: [{ task: 'points', status: 'busy' }] })
    const { code, stdout } = await operate('status')
    expect(code).toBe(0)
    expect(stdout).toContain('execution first: succeeded')
    expect(stdout).toContain(`task points: complete (run ${planned.run.runId})`)
  })

  it('shows the running execution, and not those that wait for it', async () => {
    const first = aws.begin('first')
    first.outputs = [await plannedBy(first)]
    for (const name of ['second', 'third']) aws.begin(name, { outputs: [{ task: 'points', status: 'wait' }] })
    expect((await operate('status')).stdout).toContain('execution first: running')
  })

  it('shows a waiting execution when nothing has run yet', async () => {
    aws.begin('first', { outputs: [{ task: 'points', status: 'wait' }] })
    expect((await operate('status')).stdout).toContain('execution first: running')
  })
})

describe('rejects', () => {
  it('prints those of all runs of an execution, by default of the latest, or of one run', async () => {
    const first = aws.begin('first', ended)
    const runs = [await reserve(first), await reserve(first, { month: '2001-02' })]
    first.outputs = runs.map(({ runId, attempt }, at) => ({
      ...{ task: `points${at}`, status: 'planned', run: { runId, attempt } },
    }))
    for (const [at, run] of runs.entries()) {
      const keys = runKeys(run)
      const item = { batch: 0, members: '', range: { start: 0, end: 0 }, sliceCount: 0, memberCount: 0, bytes: 0 }
      await aws.store.write(keys.plan, stateBytes([item]))
      const outcome = outcomeOf(run, { batch: 0, token: 't', parts: [] })
      await aws.store.write(keys.outcome(0), stateBytes({ ...outcome, rejects: [`rejects-${at}`] }))
      const row = `select 'a.zip' as archive, '' as member, 3::bigint as line, 2::bigint as record, 'x' as "column", 'int32' as expected`
      await aws.store.write(`rejects-${at}`, await parquetOf(`${row}, 'bad${at}' as received, '' as text`))
    }
    for (const words of ['rejects', 'rejects first']) {
      const { stdout } = await operate(words)
      expect(stdout).toMatch(/^node .+\npoints\(month=2001-01\) .+ bad0\npoints\(month=2001-02\) .+ bad1\n$/)
    }
    expect((await operate(`rejects ${runs[1]?.runId}`)).stdout).toMatch(/^archive .+\na\.zip .+ bad1\n$/)
  })
})

describe('stop', () => {
  const enter = (id: string) =>
    enterTurn(aws.store, { outputPath: 'points', id, wants: 'all', now: Date.now(), leaseMs: 60_000 })

  it('removes a waiting execution from the queue', async () => {
    await enter('another')
    await enter(aws.begin('waiting').arn)
    expect(await enter('upload')).toEqual({ status: 'skip' })
    expect(await operate('stop')).toMatchObject({ code: 0, stdout: 'stopped waiting\n', stderr: '' })
    expect(await enter('upload')).toMatchObject({ status: 'wait' })
  })

  it('releases the run and the turn of a running execution', async () => {
    const execution = aws.begin('working')
    await enter(execution.arn)
    const { runId, attempt } = await reserve(execution)
    await bindTurn(aws.store, { outputPath: 'points', id: execution.arn }, { runId, attempt })
    execution.outputs = [{ task: 'points', status: 'planned', run: { runId, attempt } }]
    expect(await operate(`stop ${runId}`)).toMatchObject({ code: 0, stderr: '' })
    expect(await readState(aws.store, runKeys({ runId, attempt }).end, readRunEnd)).toMatchObject({
      status: 'interrupted',
    })
    expect(await enter('upload')).toEqual({ status: 'go' })
  })

  it('stops an execution although the caller may not write the state', async () => {
    await enter('another')
    await enter(aws.begin('waiting').arn)
    aws.s3.fault = ({ method }) =>
      method === 'PUT' ? { kind: 'refuse', status: 403, code: 'AccessDenied' } : undefined
    expect(await operate('stop')).toMatchObject({ code: 0, stdout: 'stopped waiting\n', stderr: '' })
    expect(aws.s3.requests.at(-1)).toMatchObject({ method: 'PUT', key: expect.stringContaining('turns/') })
  })
})

describe('logs --follow', () => {
  it('prints lines that arrive after the end', async () => {
    const execution = aws.begin('first')
    const line = (id: string) => {
      const message = JSON.stringify({
        level: 'INFO',
        message: id,
        timestamp: new Date().toISOString(),
        execution: execution.arn,
      })
      aws.lines.push({ eventId: id, timestamp: Date.now(), message })
    }
    line('before the end')
    Object.assign(execution, { status: 'SUCCEEDED', stopDate: Date.now() / 1000 })
    let reads = 0
    aws.onLogRead = () => {
      reads++
      if (reads === 4) line('after the end')
    }
    const { code, stdout } = await operate('logs first --follow')
    expect(code).toBe(0)
    expect(stdout).toContain('before the end')
    expect(stdout).toContain('after the end')
  })
})
