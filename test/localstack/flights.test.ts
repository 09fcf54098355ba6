/** Deploys this repository's stack as it is: the upload of the example becomes the dataset. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import { preparedFlights } from '../examples/prepared.ts'
import { lines, tallySource, tallyWithEngine } from '../examples/tally.ts'
import { type CountingProxy, startProxy } from './counting-proxy.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint } from './environment.ts'
import { type Ended, upload, uploadAndWait } from './executions.ts'
import { routeThrough } from './functions.ts'
import { keysOf, lakeOf, manifestOf, openUploads, partsOf, recordsOf, runState } from './lake.ts'

const archive = 'incoming/flights-2001.zip'
const airports = 'reference/airports.csv'

describe.skipIf(!endpoint)('the flights example, deployed', () => {
  let flights: DeployedPipeline
  let lake: Store
  let proxy: CountingProxy
  let folder: string
  let data: string
  let first: Ended
  /** State of the output just before `_SUCCESS` is written. */
  const justBefore = { parts: [] as string[], uploads: [] as unknown[] }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fanmill-flights-'))
    const [deployed, prepared] = await Promise.all([deployment(), preparedFlights()])
    data = prepared
    flights = deployed.flights
    lake = lakeOf(flights.output)
    proxy = await startProxy(endpoint, async ({ method, path }) => {
      if (method !== 'PUT' || !path.endsWith('/flights/_SUCCESS')) return undefined
      Object.assign(justBefore, { parts: await partsOf(lake, 'flights'), uploads: await openUploads(flights.output) })
      return undefined
    })
    await routeThrough(proxy.endpoint, flights)
    await upload(flights, airports, readFileSync(join(data, airports)))
    first = await uploadAndWait(flights, archive, readFileSync(join(data, archive)))
  })
  afterAll(async () => {
    await proxy?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('succeeds after an upload', () => {
    expect(first).toMatchObject({ status: 'SUCCEEDED', tasks: [{ task: 'flights', status: 'complete' }] })
  })

  it('has the rows and sums of the original Parquet, by state, route and season', async () => {
    for (const key of await partsOf(lake, 'flights')) {
      const file = join(folder, key)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, await lake.read(key))
    }
    const actual = await tallyWithEngine(join(folder, 'flights'))
    expect(actual.size).toBeGreaterThan(1_000)
    expect(lines(actual)).toEqual(lines(await tallySource()))
  })

  it('writes _SUCCESS last, when all parts are visible and no upload is open', async () => {
    const manifest = await manifestOf(lake, 'flights')
    expect(manifest?.totals).toMatchObject({ rows: 3_000_000, members: 1341, rowsRejected: 0 })
    expect(justBefore).toEqual({ parts: manifest?.parts.map(({ key }) => `flights/${key}`).sort(), uploads: [] })
    const changes = proxy.seen.filter(
      ({ method, path }) => /PUT|POST|DELETE/.test(method) && path.startsWith(`/${flights.output}/flights/`),
    )
    expect(changes.at(-1)).toMatchObject({ method: 'PUT', path: `/${flights.output}/flights/_SUCCESS`, status: 200 })
    expect(await openUploads(flights.output)).toEqual([])
  })

  it('leaves its plan and an outcome of each batch in the state, and nothing else beside the dataset', async () => {
    const { plan, outcomes, failures } = await runState(lake, first.tasks[0]!.run!)
    expect(plan.length).toBeGreaterThan(0)
    expect(outcomes.map(({ batch }) => batch)).toEqual(plan.map(({ batch }) => batch))
    expect(failures).toEqual([])
    const folders = new Set((await keysOf(lake)).map(key => key.split('/', 1)[0]))
    expect([...folders].sort()).toEqual(['.fanmill', 'flights'])
  })

  it('does nothing when the same archive is uploaded again', async () => {
    const before = await keysOf(lake, 'flights/')
    const again = await uploadAndWait(flights, archive, readFileSync(join(data, archive)))
    expect(again).toMatchObject({ status: 'SUCCEEDED', tasks: [{ task: 'flights', status: 'complete' }] })
    expect(await recordsOf(lake, 'flights')).toHaveLength(1)
    expect(await keysOf(lake, 'flights/')).toEqual(before)
  })
})
