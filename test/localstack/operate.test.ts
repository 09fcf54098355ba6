/** Operates a deployed pipeline from the command line: start, status, stop inside its Map, and retry. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogLine } from '../../lib/deployed/log-lines.ts'
import type { DeployedStatus } from '../../lib/deployed/status.ts'
import type { Reject } from '../../lib/model/outcome/reject.ts'
import type { Store } from '../../lib/store/store.ts'
import { eventsOf, type Finished, fanmill } from '../cli/fanmill.ts'
import { buildZip } from '../zip-builder.ts'
import { type CountingProxy, type SeenRequest, startProxy } from './counting-proxy.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint, environment } from './environment.ts'
import { upload, uploadAndWait } from './executions.ts'
import { routeThrough } from './functions.ts'
import { lakeOf, manifestOf, rowsOf, runState } from './lake.ts'
import { expectedVisits, visitsArchive } from './visit-data.ts'

/** Names of this run of the tests: a given instance may have keys of earlier ones. */
const id = randomUUID().slice(0, 8)
const shops = { stopped: `stopped-${id}`, bad: `bad-${id}`, small: `small-${id}` }

const header = 'member,row,city,note\n'

describe.skipIf(!endpoint)('a deployed pipeline, from the command line', () => {
  let operated: DeployedPipeline
  let lake: Store
  let proxy: CountingProxy

  beforeAll(async () => {
    ;({ operated } = await deployment())
    lake = lakeOf(operated.output)
    proxy = await startProxy(endpoint, request => gate.stand(request))
    await routeThrough(proxy.endpoint, operated)
  })
  afterAll(() => proxy?.stop())

  const operate = (words: string): Promise<Finished> =>
    fanmill([...words.split(' '), '--stack', operated.stack, '--pipeline', 'Operated'], { env: environment })
  const linesOf = async <T>(words: string): Promise<T[]> => {
    const finished = await operate(`${words} --json`)
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    return finished.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as T)
  }
  const statusOf = async (name = ''): Promise<DeployedStatus> =>
    (await linesOf<DeployedStatus>(`status ${name}`.trimEnd()))[0]!

  it('is stopped inside its Map, and retried with only the missing batches', async () => {
    gate.close()
    await upload(operated, `incoming/${shops.stopped}/day.zip`, visitsArchive())
    await until(() => outcomesWritten() === passedCount && gate.triesCount() > 0)
    const { execution, runs } = await statusOf()
    expect(execution).toMatchObject({ status: 'running', startedBy: expect.stringContaining(shops.stopped) })
    expect(runs).toMatchObject([{ task: 'visits', params: { shop: shops.stopped }, status: 'running' }])
    const { runId, attempt, batches } = runs[0]!
    expect(batches).toBeGreaterThan(passedCount)

    expect(await operate(`retry ${runId}`)).toMatchObject({ code: 1, stderr: expect.stringContaining('RUN_ACTIVE') })
    expect(await operate('stop')).toMatchObject({ code: 0, stderr: '' })
    gate.refuse()
    await until(async () => (await statusOf(runId)).execution?.status === 'stopped')
    const stopped = await statusOf(runId)
    expect(stopped).toMatchObject({ execution: { status: 'stopped' }, runs: [{ batchesDone: passedCount }] })
    expect(stopped.runs[0]?.status).not.toBe('running')
    expect(await manifestOf(lake, `visits/${shops.stopped}`)).toBeUndefined()

    gate.open()
    const { end } = eventsOf(await operate(`retry ${runId} --wait --json`))
    expect(end).toMatchObject({ status: 'complete', tasks: [{ runId, status: 'complete', task: 'visits' }] })
    const retried = await statusOf()
    expect(retried.execution).toMatchObject({
      status: 'succeeded',
      startedBy: `by hand visits shop=${shops.stopped}`,
    })
    const lines = await linesOf<LogLine>(`logs ${retried.execution?.name}`)
    expect(new Set(lines.map(line => line.execution))).toEqual(new Set([retried.execution?.arn]))
    // Process logs at its end which batch it was called for.
    const called = lines.filter(({ step }) => step === 'process').map(({ batch }) => batch)
    const { plan } = await runState(lake, { runId, attempt })
    expect(called.toSorted()).toEqual(plan.slice(passedCount).map(({ batch }) => batch))
    expect(await rowsOf(lake, `visits/${shops.stopped}`)).toEqual(expectedVisits())
    expect(await operate(`retry ${runId}`)).toMatchObject({ code: 1, stderr: expect.stringContaining('RUN_COMPLETE') })
  })

  it('shows why a run failed, and the rows that it rejected', async () => {
    const archive = buildZip({ '0.csv': `${header}1,1,Ulm,a\n1,two,Ulm,b\n` })
    const { arn, status } = await uploadAndWait(operated, `incoming/${shops.bad}/day.zip`, archive)
    expect(status).toBe('FAILED')
    const { execution, runs } = await statusOf(arn)
    expect(execution).toMatchObject({ status: 'failed', tasks: [{ task: 'visits', status: 'failed' }] })
    expect(runs).toMatchObject([{ status: 'failed', error: { code: 'REJECTS_OVER_LIMIT' }, rowsRejected: 1 }])
    const { runId } = runs[0]!
    expect(await linesOf<Reject>(`rejects ${runId}`)).toMatchObject([
      { archive: `incoming/${shops.bad}/day.zip`, member: '0.csv', line: 3, column: 'row', received: 'two' },
    ])
    const faults = await linesOf<LogLine>(`logs ${runId} --level error`)
    expect(faults).toMatchObject([{ step: 'commit', run: runId, fields: { fault: { code: 'REJECTS_OVER_LIMIT' } } }])
    expect((await operate('status')).stdout).toContain(`run ${runId}, attempt 1: failed`)
  })

  it('is started by hand, and waited for with the exit codes of a run', async () => {
    await uploadAndWait(operated, `incoming/${shops.small}/day.zip`, buildZip({ '0.csv': `${header}1,1,Ulm,a\n` }))
    const named = `start visits --param shop=${shops.small} --wait`
    const forced = await operate(`${named} --force`)
    expect(forced).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`visits(shop=${shops.small}): complete in s3://`),
    })
    expect(await manifestOf(lake, `visits/${shops.small}`)).toMatchObject({ runs: [{ attempt: 2 }] })
    const again = eventsOf(await operate(`${named} --json`))
    expect(again.end).toMatchObject({ status: 'skipped', tasks: [{ rowsWritten: 1 }] })
    const [ulm] = await linesOf<{ rows: unknown[] }>(`head visits/${shops.small}`)
    expect(ulm?.rows).toHaveLength(1)
    const missing = await operate(`start --param shop=none-${id} --wait --json`)
    expect(missing.code).toBe(1)
    expect(eventsOf(missing).end).toMatchObject({ status: 'failed', error: { code: 'NO_INPUT' } })
    expect(await operate('start --wait')).toMatchObject({ code: 2, stderr: expect.stringContaining('PARAM_INVALID') })
  })

  const outcomesWritten = (): number =>
    proxy.seen.filter(request => isOutcome(request) && request.status === 200).length
})

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(300)
}

const isOutcome = ({ method, path }: SeenRequest): boolean => method === 'PUT' && outcomePath.test(path)
const outcomePath = /\/outcomes\/(\d+)\.json$/

/** Batches that may write their outcomes while the gate is closed. */
const passedCount = 2

const gate = gateOf()

/** A closed gate makes outcomes of later batches retry; a refusing gate makes them fail. */
function gateOf() {
  let state: 'open' | 'closed' | 'refusing' = 'open'
  let tries = 0
  return {
    close: () => {
      state = 'closed'
    },
    refuse: () => {
      state = 'refusing'
    },
    open: () => {
      state = 'open'
    },
    triesCount: () => tries,
    stand(request: SeenRequest): number | undefined {
      const [, batch] = outcomePath.exec(request.path) ?? []
      if (!isOutcome(request) || Number(batch) < passedCount) return undefined
      if (state === 'closed') tries++
      return state === 'closed' ? 500 : state === 'refusing' ? 403 : undefined
    },
  }
}
