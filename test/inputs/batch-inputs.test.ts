/** A batch reads only its own inputs from its run's state, as they are pinned now. */
import { describe, expect, it } from 'vitest'
import { PermanentError } from '../../lib/errors/errors.ts'
import type { FoundInputs } from '../../lib/inputs/find-inputs.ts'
import type { InputObject, PlanItem } from '../../lib/model/plan-data.ts'
import type { ShareJob } from '../../lib/model/share.ts'
import type { Workers } from '../../lib/model/worker-job.ts'
import { processBatch } from '../../lib/process/process.ts'
import { type PlanRequest, plan } from '../../lib/runs/plan.ts'
import { keepReservation, readReservation, withInputs } from '../../lib/runs/reservation-file.ts'
import { runKeys, stateBytes } from '../../lib/state/state.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import type { Store } from '../../lib/store/store.ts'

const sizeBytes = 1000
const inputsOf = (count: number, etag = 'as planned'): InputObject[] =>
  Array.from({ length: count }, (_, number) => {
    const key = `in/${String(number).padStart(9, '0')}.csv`
    return { key, sizeBytes, etag: `${etag} ${number}`, identity: `content ${number}` }
  })

/** One file for each slice. */
const foundOf = (inputs: readonly InputObject[]): FoundInputs => ({
  inputs,
  cut: chosen => chosen.map((_, number) => ({ kind: 'file', slice: number, input: number, bytes: sizeBytes })),
  hive: [],
  memberCount: inputs.length,
  skipped: { count: 0, all: () => [] },
  unused: [],
  release() {},
  bytesIn: inputs.length * sizeBytes,
  bytes: inputs.length * sizeBytes,
})

/** Plans files, a hundred a batch, for an owner of this name. */
async function planned(store: Store, inputs: readonly InputObject[], options: Partial<PlanRequest> = {}) {
  const answer = await plan(store, {
    owner: { id: 'one', host: 'here', startedAt: '2001-01-01T00:00:00.000Z' },
    now: () => 0,
    found: foundOf(inputs),
    batchBytes: 100 * sizeBytes,
    outputPath: 'flights',
    outputKind: 'parquet',
    task: 'flights',
    params: {},
    codeHash: 'code',
    mode: 'replace',
    ...options,
  })
  if (!('plan' in answer)) throw new Error(`expected a plan, got ${answer.status}`)
  await keepReservation(store, answer.run, 'tables')
  return answer
}

/** Returns the job that a batch sends to its one thread, which then ends it. */
async function jobOf(store: Store, name: { readonly runId: string; readonly attempt: number }, item: PlanItem) {
  const jobs: ShareJob[] = []
  const workers: Workers = {
    threads: 1,
    async run(job: unknown) {
      jobs.push(job as ShareJob)
      throw new PermanentError('ABORTED', 'seen enough')
    },
    stop() {},
    async close() {},
  }
  const { run } = await readReservation(store, name)
  const tools = { output: store, workers, token: 't', partFolder: 'none', groupBytes: 1, partBytes: 1, now: () => 0 }
  const reading = { stream: async function* () {}, readFile: async () => new Uint8Array(), joinFiles: async () => {} }
  await processBatch(run, item, { ...tools, ...reading }).catch(error => {
    if (jobs.length === 0) throw error
  })
  return jobs[0]!
}

/** Counts requests and bytes of the first batch of a run of so many files. */
async function costOf(count: number) {
  const store = memoryStore()
  const { run, plan: items } = await planned(store, inputsOf(count))
  const before = { ...store.counts }
  const { slices } = await jobOf(store, run, items[0]!)
  return {
    slices: slices.length,
    requests: store.counts.requests - before.requests,
    bytes: store.counts.bytesRead - before.bytesRead,
  }
}

describe('a batch', () => {
  it('reads the same amount of state for a run of a hundred inputs and of ten thousand', async () => {
    const [one, few, many] = [await costOf(1), await costOf(100), await costOf(10_000)]
    expect([one.slices, few.slices, many.slices]).toEqual([1, 100, 100])
    expect([few.requests, many.requests]).toEqual([one.requests, one.requests])
    expect(many.bytes).toBeLessThan(few.bytes * 1.1)
  })

  it('reads its inputs as plan saw them', async () => {
    const store = memoryStore()
    const { run, plan: items } = await planned(store, inputsOf(250))
    const given = await Promise.all(items.map(item => jobOf(store, run, item)))
    expect(Object.assign({}, ...given.map(job => job.inputs))).toEqual({ ...inputsOf(250) })
    for (const { slices, inputs } of given)
      expect(Object.keys(inputs).map(Number)).toEqual(slices.map(slice => slice.input))
  })

  it('reads inputs that were written again with the same content by the etags of the present owner', async () => {
    const store = memoryStore()
    const first = await planned(store, inputsOf(3))
    const now = inputsOf(3).with(1, inputsOf(3, 'written again')[1]!)
    const again = await planned(store, now)
    expect(again.status).toBe('resume')
    expect(again.plan).toEqual(first.plan)
    expect((await jobOf(store, again.run, again.plan[0]!)).inputs).toEqual({ ...now })
    const last = await planned(store, inputsOf(3))
    expect((await jobOf(store, last.run, last.plan[0]!)).inputs).toEqual({ ...inputsOf(3) })
  })

  it('reads inputs by the etags of an owner that plans the run of one that died before its plan', async () => {
    const store = memoryStore()
    const at = (point: string): void => {
      if (point === 'write-members:before') throw new Error('killed')
    }
    await expect(planned(store, inputsOf(3), { at })).rejects.toThrow('killed')
    const now = inputsOf(3, 'written again')
    const { run, plan: items } = await planned(store, now)
    expect((await jobOf(store, run, items[0]!)).inputs).toEqual({ ...now })
  })

  it('refuses a plan of an older version, which does not name its inputs', async () => {
    const store = memoryStore()
    const { run, plan: items } = await planned(store, inputsOf(3))
    const [item] = items as [PlanItem]
    const key = runKeys(run).members(item.members)
    const text = new TextDecoder().decode(store.objects.get(key))
    const start = text.indexOf('\n') + 1
    const old = { ...item, range: { start, end: text.length } }
    await expect(jobOf(store, run, old)).rejects.toMatchObject({ code: 'STATE_INVALID' })
  })
})

describe('a plan', () => {
  it('is that of the process that was first', async () => {
    const store = memoryStore()
    let others: readonly PlanItem[] = []
    const at = async (point: string): Promise<void> => {
      if (point === 'write-plan:before') others = (await planned(store, inputsOf(250), { batchBytes: sizeBytes })).plan
    }
    const own = await planned(store, inputsOf(250), { at })
    expect(others).toHaveLength(250)
    expect(own.plan).toEqual(others)
  })
})

describe('a reservation', () => {
  it('is read as it was written, with the inputs of its record', async () => {
    const store = memoryStore()
    const { run } = await planned(store, inputsOf(3))
    const kept = await readReservation(store, run)
    expect(kept.tables).toBe('tables')
    expect(await withInputs(store, kept.run)).toEqual(run)
  })

  it('is refused when an older version wrote it or its record, or when there is none', async () => {
    const store = memoryStore()
    const { run } = await planned(store, inputsOf(3))
    const { newEtags: _, ...old } = run
    const keys = runKeys(run)
    await store.write(keys.reservation, stateBytes({ run: old, tables: 'tables' }))
    await expect(readReservation(store, run)).rejects.toMatchObject({ code: 'STATE_INVALID' })
    const record = new TextDecoder().decode(store.objects.get(keys.run)).replaceAll(/"etag": .*\n/g, '')
    await store.write(keys.run, new TextEncoder().encode(record))
    await expect(planned(store, inputsOf(3))).rejects.toMatchObject({ code: 'STATE_INVALID' })
    await expect(readReservation(store, { ...run, attempt: 2 })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    await expect(withInputs(store, { ...run, attempt: 2 })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
  })
})
