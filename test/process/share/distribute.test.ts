/** The failure policy of shares, with workers that fail on request. */
import { describe, expect, it } from 'vitest'
import { CapacityError, PermanentError, TransientError } from '../../../lib/errors/errors.ts'
import type { InputObject, PlanItem, PlannedMember, RangeSlice, Slice } from '../../../lib/model/plan-data.ts'
import type { RangeEnds, ShareJob, ShareResult } from '../../../lib/model/share.ts'
import type { Workers } from '../../../lib/model/worker-job.ts'
import {
  type BadStream,
  type ShareOutTools,
  type StreamPiece,
  shareOut,
} from '../../../lib/process/share/distribute.ts'
import { createGate } from '../../../lib/process/share/gate.ts'

const input: InputObject = { key: 'a.csv', sizeBytes: 100, etag: 'e', identity: 'i' }
const item = { batch: 3 } as PlanItem

const slicesOf = (count: number): RangeSlice[] =>
  Array.from({ length: count }, (_, slice) => ({
    kind: 'range',
    slice,
    input: 0,
    range: { start: slice * 10, end: slice * 10 + 10 },
    bytes: 10,
  }))

/** A result whose rows are the number of its slices. */
const resultOf = (job: ShareJob, ranges: readonly RangeEnds[] = []): ShareResult =>
  ({
    rowsRead: job.slices.length,
    parts: [{ file: job.target }],
    rejectFiles: [],
    accountFiles: [`${job.target}-accounts`],
    ranges,
  }) as unknown as ShareResult

interface Given {
  readonly threads?: number
  share(job: ShareJob, going: number): ShareResult
  readonly stream?: ShareOutTools['stream']
  readonly skipsBadMembers?: boolean
  readonly repeats?: boolean
}

/** Distributes slices to workers that return `share(job)`, and keeps the jobs. */
function shared({ threads = 2, share, stream, skipsBadMembers = false, repeats = true }: Given) {
  const jobs: ShareJob[] = []
  const waits: number[] = []
  const removed: string[] = []
  const skipped: unknown[] = []
  let going = 0
  const workers: Workers = {
    threads,
    async run(job: unknown) {
      jobs.push(job as ShareJob)
      going++
      try {
        await new Promise(resolve => setImmediate(resolve))
        return share(job as ShareJob, going) as never
      } finally {
        going--
      }
    },
    stop() {},
    async close() {},
  }
  const tools: ShareOutTools = {
    workers,
    gate: createGate(),
    sleep: repeats ? async ms => void waits.push(ms) : undefined,
    partFolder: 'parts',
    token: 't',
    groupBytes: 1000,
    stream: stream ?? async function* () {},
    removeFile: async file => void removed.push(file),
    skipsBadMembers,
    onSkip: member => void skipped.push(member),
  }
  return {
    jobs,
    waits,
    removed,
    skipped,
    done: (slices: readonly Slice[]) => shareOut(item, { slices, inputs: [input] }, tools),
  }
}

const tooMuch = () => new CapacityError('OUT_OF_MEMORY', 'too much')

describe('a share that fails', () => {
  it('is repeated after a transient error for about a minute, with growing waits, and then fails', async () => {
    const flaky = shared({
      share: job => {
        if (flaky.jobs.length < 4) throw new TransientError('SOURCE_FAILED', 'busy')
        return resultOf(job)
      },
      threads: 1,
    })
    expect(await flaky.done(slicesOf(2))).toHaveLength(1)
    expect(flaky.waits).toEqual([250, 500, 1000])
    const dead = shared({
      share: () => {
        throw new TransientError('SOURCE_FAILED', 'busy')
      },
      threads: 1,
    })
    await expect(dead.done(slicesOf(2))).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
    expect(dead.waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
  })

  it('is not repeated by a function on AWS, whose state machine does that', async () => {
    const dead = shared({
      share: () => {
        throw new TransientError('SOURCE_FAILED', 'busy')
      },
      threads: 1,
      repeats: false,
    })
    await expect(dead.done(slicesOf(2))).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
    expect(dead.jobs).toHaveLength(1)
  })

  it.each([
    new PermanentError('INPUT_INVALID', 'bad'),
    new TransientError('ABORTED', 'stopped'),
    new TransientError('STORE_FAILED', 'tried 9 times', { tries: 9 }),
    new CapacityError('DISK_FULL', 'full'),
  ])('is not retried after $code', async error => {
    const once = shared({
      share: () => {
        throw error
      },
      threads: 1,
    })
    await expect(once.done(slicesOf(2))).rejects.toBe(error)
    expect(once.jobs).toHaveLength(1)
  })

  it.each([tooMuch(), new TransientError('WORKER_DIED', 'gone')])(
    'is done again slice by slice, alone in the process, after $code',
    async error => {
      const alone: number[] = []
      const some = shared({
        share(job, going) {
          if (job.slices.length > 1) throw error
          alone.push(going)
          return resultOf(job)
        },
      })
      const results = await some.done(slicesOf(6))
      expect(results.map(result => result.rowsRead)).toEqual([1, 1, 1, 1, 1, 1])
      expect(alone).toEqual([1, 1, 1, 1, 1, 1])
      expect(new Set(some.jobs.map(job => job.target)).size).toBe(8)
    },
  )

  it('fails with its code, batch and slice when it also fails alone, after the others are settled', async () => {
    const some = shared({
      share: job => {
        if (job.slices.some(({ slice }) => slice === 4)) throw tooMuch()
        return resultOf(job)
      },
    })
    const error = await some.done(slicesOf(6)).catch(error => error)
    expect(error).toBeInstanceOf(CapacityError)
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', detail: { batch: 3, slice: 4, archive: 'a.csv' } })
    expect(error.message).toBe('too much (batch 3, slice 4 of a.csv, processed alone)')
  })

  it('is repeated with its staged text when it belongs to a stream', async () => {
    const discarded: number[] = []
    async function* pieces(): AsyncGenerator<StreamPiece> {
      for (const slice of [0, 1, 2])
        yield { staged: { slice: 7, files: [slice] }, bytesIn: 1, discard: () => void discarded.push(slice) }
    }
    const some = shared({
      stream: pieces,
      share(job) {
        if (job.staged?.files[0] === 1 && !job.target.includes('alone')) throw tooMuch()
        expect(discarded).not.toContain(job.staged?.files[0])
        return resultOf(job)
      },
    })
    expect(await some.done([{ kind: 'stream', slice: 7, input: 0, bytes: 1 }])).toHaveLength(3)
    expect(discarded.sort()).toEqual([0, 1, 2])
  })

  it('reads a stream again from its beginning when reading failed with a transient error', async () => {
    let reads = 0
    async function* pieces(): AsyncGenerator<StreamPiece> {
      yield { staged: { slice: 7, files: [] }, bytesIn: 0, discard() {} }
      if (reads++ === 0) throw new TransientError('STORE_FAILED', 'cut off')
      yield { staged: { slice: 7, files: [] }, bytesIn: 5, discard() {} }
    }
    const some = shared({ stream: pieces, share: job => resultOf(job) })
    const results = await some.done([{ kind: 'stream', slice: 7, input: 0, bytes: 1 }])
    expect(results.map(({ members, bytesIn }) => [members, bytesIn])).toEqual([
      [1, 0],
      [0, 5],
    ])
  })
})

describe('a streamed member that is bad', () => {
  const slice: Slice = { kind: 'stream', slice: 7, input: 0, member: { name: 'big.csv' } as PlannedMember, bytes: 1 }
  const skipped = { archive: 'a.zip', member: 'big.csv', code: 'ZIP_CRC_MISMATCH', message: 'another CRC' }
  const failsInSecond = (job: ShareJob) => {
    if (job.staged?.files[0] === 1) throw new PermanentError('TRANSFORM_FAILED', 'garbage')
    return resultOf(job)
  }

  function streamOf(end: BadStream | undefined, discarded: unknown[]) {
    return async function* pieces() {
      for (const file of [0, 1, 2])
        yield { staged: { slice: 7, files: [file] }, bytesIn: 0, discard: () => void discarded.push(file) }
      if (end) yield end
    }
  }

  it.each([resultOf, failsInSecond])(
    'is skipped: what was written of it is removed, and an empty share counts it',
    async share => {
      const discarded: unknown[] = []
      const some = shared({
        threads: 1,
        share: job => share(job),
        stream: streamOf({ skipped, bytesIn: 5 }, discarded),
        skipsBadMembers: true,
      })
      const results = await some.done([slice])
      expect(results).toMatchObject([{ rowsRead: 0, skipped: [skipped], bytesIn: 5 }])
      expect(some.skipped).toEqual([skipped])
      expect(discarded.sort()).toEqual([0, 1, 2])
      const written = some.jobs.filter(job => job.staged && !(share === failsInSecond && job.staged.files[0] === 1))
      for (const job of written.slice(0, 1)) expect(some.removed).toContain(job.target)
      expect(some.removed).not.toContain(some.jobs.at(-1)!.target)
    },
  )

  it('fails with the error of its share when the member turns out to be whole', async () => {
    const some = shared({ threads: 1, share: failsInSecond, stream: streamOf(undefined, []), skipsBadMembers: true })
    await expect(some.done([slice])).rejects.toMatchObject({ code: 'TRANSFORM_FAILED' })
    expect(some.skipped).toEqual([])
  })
})

describe('ranges of a text', () => {
  /** Reads records of 7 bytes; some slices guess a wrong start unless they are given one. */
  const readBy = (wrong: readonly number[]) => (job: ShareJob) =>
    resultOf(
      job,
      job.slices.map(slice => {
        const { range, recordStart, slice: number } = slice as RangeSlice
        const guess = Math.ceil(range.start / 7) * 7 + (wrong.includes(number) ? 2 : 0)
        const start = recordStart ?? guess
        // Read from a wrong start, its end is wrong too.
        const end = Math.ceil((range.end - start) / 7) * 7 + start
        return { slice: number, input: 0, start, end: Math.max(end, start) }
      }),
    )

  const met = (results: readonly ShareResult[]) => {
    const ranges = results.flatMap(result => result.ranges).sort((a, b) => a.slice - b.slice)
    return ranges.every((range, at) => at === 0 || ranges[at - 1]!.end === range.start)
  }

  it('repeats nothing when all ranges meet', async () => {
    const some = shared({ share: readBy([]) })
    expect(met(await some.done(slicesOf(8)))).toBe(true)
    expect(some.jobs).toHaveLength(2)
  })

  it('repeats the shares whose slices began at a wrong place, from the end of the slices before them, and removes their parts and accounts', async () => {
    const some = shared({ share: readBy([3]), threads: 4 })
    const results = await some.done(slicesOf(8))
    expect(met(results)).toBe(true)
    expect(results).toHaveLength(4)
    expect(results.flatMap(result => result.ranges)).toHaveLength(8)
    const again = some.jobs.slice(4)
    expect(again.length).toBeLessThanOrEqual(3)
    expect(again[0]?.slices).toContainEqual(expect.objectContaining({ slice: 3, recordStart: 35 }))
    expect(some.removed.filter(file => !file.endsWith('-accounts'))).toHaveLength(again.length)
    expect(some.removed.filter(file => file.endsWith('-accounts'))).toHaveLength(again.length)
  })

  it.each([[[1, 2, 3, 4, 5, 6, 7]], [[1, 7]], [[2, 3, 4]]])(
    'ends with slices that meet, whichever are wrong: %j',
    async wrong => {
      const some = shared({ share: readBy(wrong), threads: 3 })
      expect(met(await some.done(slicesOf(8)))).toBe(true)
    },
  )
})
