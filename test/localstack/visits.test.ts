/** Batches, processes and faults of a pipeline in another CDK app: each test has its own shop, so that all run at the same time. */
import { randomUUID } from 'node:crypto'
import { AbortMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import { eventsOf, fanmill } from '../cli/fanmill.ts'
import { type CountingProxy, type SeenRequest, startProxy } from './counting-proxy.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint, environment } from './environment.ts'
import { type Ended, statesOf, uploadAndWait } from './executions.ts'
import { routeThrough } from './functions.ts'
import { jsonOf, lakeOf, manifestOf, openUploads, partsOf, rowsOf, runState, schemasOf } from './lake.ts'
import { expectedVisits, visitsArchive } from './visit-data.ts'

/** Names of this run of the tests: a given instance may have keys of earlier ones. */
const id = randomUUID().slice(0, 8)
const shops = {
  many: `many-${id}`,
  broken: `broken-${id}`,
  flaky: `flaky-${id}`,
  hungry: `hungry-${id}`,
  lost: `lost-${id}`,
}

describe.skipIf(!endpoint).concurrent('a pipeline in the CDK app of another project', () => {
  let visits: DeployedPipeline
  let theirFolder: string
  let lake: Store
  let proxy: CountingProxy
  /** A run that two tests use. */
  let many: Promise<Ended>

  beforeAll(async () => {
    const deployed = await deployment()
    ;({ visits, theirFolder } = deployed)
    lake = lakeOf(visits.output)
    proxy = await startProxy(endpoint, request => flaky(request) ?? losing(request))
    await routeThrough(proxy.endpoint, visits)
    many = run(shops.many)
  })
  afterAll(() => proxy?.stop())

  const run = (shop: string, archive = visitsArchive()) => uploadAndWait(visits, `incoming/${shop}/day.zip`, archive)

  it('spreads a run over batches, processes, and threads in each', async () => {
    const { status, tasks } = await many
    expect(status).toBe('SUCCEEDED')
    const { plan, outcomes } = await runState(lake, tasks[0]!.run!)
    expect(plan.length).toBeGreaterThan(3)
    expect(outcomes.map(({ batch }) => batch)).toEqual(plan.map(({ batch }) => batch))
    const pids = outcomes.map(({ workers }) => [...new Set(workers.map(({ pid }) => pid))])
    expect(pids.every(of => of.length === 1)).toBe(true)
    expect(new Set(pids.flat()).size).toBeGreaterThan(1)
    for (const { workers } of outcomes) expect(new Set(workers.map(({ thread }) => thread)).size).toBe(2)
    expect(await rowsOf(lake, `visits/${shops.many}`)).toEqual(expectedVisits())
    expect(await uploadsOf(shops.many)).toEqual([])
  })

  it('writes the rows and the schema of the command line on a laptop, which finds the run complete', async () => {
    const { tasks } = await many
    const onLaptop = async (output: string) => {
      const words = ['run', 'pipelines/visits.ts', '--param', `shop=${shops.many}`, '--json', '--workers', '2']
      const places = ['--input', `s3://${visits.input}`, '--output', output]
      const options = { cwd: theirFolder, env: environment, main: 'node_modules/fanmill/lib/cli/main.js' }
      const finished = await fanmill([...words, ...places], options)
      expect(finished.stderr).toBe('')
      return eventsOf(finished).end
    }
    expect(await onLaptop(`s3://${visits.output}/laptop`)).toMatchObject({ status: 'complete' })
    const laptop = lakeOf(visits.output, 'laptop/')
    const dataset = `visits/${shops.many}`
    expect(await rowsOf(laptop, dataset)).toEqual(await rowsOf(lake, dataset))
    expect(await schemasOf(laptop, dataset)).toEqual(await schemasOf(lake, dataset))
    expect((await manifestOf(laptop, dataset))?.schema).toEqual((await manifestOf(lake, dataset))?.schema)
    expect(await onLaptop(`s3://${visits.output}`)).toMatchObject({
      status: 'skipped',
      tasks: [{ runId: tasks[0]!.run!.runId }],
    })
  })

  it('fails with the member that cannot be read after the other batches, and succeeds when it is fixed', async () => {
    const failed = await run(shops.broken, visitsArchive({ bad: 5 }))
    expect(failed.status).toBe('FAILED')
    expect(failed.cause).toMatch(/BATCHES_FAILED/)
    expect(failed.cause).toMatch(/ZIP_CRC_MISMATCH/)
    expect(failed.cause).toContain(`incoming/${shops.broken}/day.zip`)
    expect(failed.cause).toMatch(/5\.csv/)
    expect(await manifestOf(lake, `visits/${shops.broken}`)).toBeUndefined()
    expect(await partsOf(lake, `visits/${shops.broken}`)).toEqual([])
    const runId = runOf(shops.broken)
    const { plan, outcomes, failures } = await runState(lake, { runId, attempt: 1 })
    expect(outcomes).toHaveLength(plan.length - 1)
    expect(failures).toMatchObject([
      { code: 'ZIP_CRC_MISMATCH', member: '5.csv', archive: `incoming/${shops.broken}/day.zip` },
    ])
    const fixed = await run(shops.broken)
    expect(fixed.status).toBe('SUCCEEDED')
    expect(await rowsOf(lake, `visits/${shops.broken}`)).toEqual(expectedVisits())
  })

  it('retries requests that S3 refused for a while, without any effect on the rows', async () => {
    const { status, tasks } = await run(shops.flaky)
    expect(status).toBe('SUCCEEDED')
    const { failures } = await runState(lake, tasks[0]!.run!)
    expect(failures).toMatchObject([{ batch: 0, try: 1, code: 'STORE_FAILED' }])
    expect(await rowsOf(lake, `visits/${shops.flaky}`)).toEqual(expectedVisits())
    expect(await uploadsOf(shops.flaky)).toEqual([])
  })

  it('ends a batch on the second tier that is out of memory on the first', async () => {
    const { status, tasks } = await run(shops.hungry)
    expect(status).toBe('SUCCEEDED')
    const { outcomes } = await runState(lake, tasks[0]!.run!)
    expect(outcomes.map(({ workers }) => workers.length).sort()).toEqual([1, ...outcomes.slice(1).map(() => 2)])
    expect(await rowsOf(lake, `visits/${shops.hungry}`)).toEqual(expectedVisits())
  })

  it('processes a batch again when its pending parts were removed before the commit', async () => {
    const { status, tasks, arn } = await run(shops.lost)
    expect(status).toBe('SUCCEEDED')
    const states = await statesOf(arn)
    expect(states).toContain('visits: again')
    const { runId } = tasks[0]!.run!
    const written = proxy.seen.filter(({ method, path }) => method === 'PUT' && path.includes(`${runId}/1/outcomes/`))
    const { plan } = await runState(lake, tasks[0]!.run!)
    expect(written).toHaveLength(plan.length + 1)
    expect(await rowsOf(lake, `visits/${shops.lost}`)).toEqual(expectedVisits())
    expect(await uploadsOf(shops.lost)).toEqual([])
  })

  const uploadsOf = async (shop: string) =>
    (await openUploads(visits.output)).filter(({ Key }) => Key?.startsWith(`visits/${shop}/`))

  /** Returns the batches by the names of their parts. */
  const runOf = (shop: string): string => {
    const part = new RegExp(`/visits/${shop}/.*/part-\\d+-\\d+-(\\w+)-1\\.parquet$`)
    return proxy.seen.map(({ path }) => part.exec(path)?.[1]).find(found => found !== undefined) ?? 'none'
  }

  const isOutcomeOf = (shop: string, { method, path }: SeenRequest): boolean =>
    method === 'PUT' && path.includes(`/${runOf(shop)}/1/outcomes/`)

  /** Lets the first try of a batch stage its parts, but not write its outcome. */
  function flaky(request: SeenRequest): number | undefined {
    if (!isOutcomeOf(shops.flaky, request) || !request.path.endsWith('/0.json')) return undefined
    const isNoted = proxy.seen.some(({ path }) => path.endsWith(`/${runOf(shops.flaky)}/1/failures/0-1.json`))
    return isNoted ? undefined : 500
  }

  /** Aborts an upload of another batch when the last batch ends. */
  async function losing(request: SeenRequest): Promise<undefined> {
    if (!isOutcomeOf(shops.lost, request)) return
    const plan = await jsonOf<unknown[]>(lake, `.fanmill/runs/${runOf(shops.lost)}/1/plan.json`)
    const written = new Set(proxy.seen.filter(seen => isOutcomeOf(shops.lost, seen)).map(({ path }) => path))
    if (written.size < plan.length || hasLost) return
    hasLost = true
    const own = /(\d+)\.json$/.exec(request.path)?.[1]
    const other = (await uploadsOf(shops.lost)).find(({ Key }) => !Key?.includes(`/part-${own}-`))
    const { Key, UploadId } = other!
    await new S3Client({ forcePathStyle: true }).send(
      new AbortMultipartUploadCommand({ Bucket: visits.output, Key, UploadId }),
    )
  }
  let hasLost = false
})
