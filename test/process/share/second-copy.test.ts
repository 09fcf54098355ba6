/** Two copies of one share, with workers whose jobs end on request. */
import { expect, it } from 'vitest'
import { CapacityError, PermanentError } from '../../../lib/errors/errors.ts'
import type { ShareJob, ShareResult } from '../../../lib/model/share.ts'
import type { JobControl, WorkerMessage, Workers } from '../../../lib/model/worker-job.ts'
import { createCopyMessages } from '../../../lib/process/share/copy-messages.ts'
import { createGate } from '../../../lib/process/share/gate.ts'
import { runShare } from '../../../lib/process/share/run.ts'
import { faultOf } from '../../../lib/process/task-runner.ts'

const zero = { members: 0, bytes: 0, rowsWritten: 0, rowsRejected: 0 }

const jobOf = (target: string): ShareJob =>
  ({
    kind: 'share',
    target,
    slices: [3, 4].map(slice => ({ kind: 'range', slice, input: 0, range: { start: 0, end: 1 }, bytes: 1 })),
    inputs: {},
  }) as unknown as ShareJob

type Work = (control: JobControl | undefined) => Promise<void>

/** Runs shares whose jobs do what is given for their target, and which get a second copy at the first look. */
function copying(works: Readonly<Record<string, Work>>) {
  const events: string[] = []
  const warnings: string[] = []
  const workers = {
    threads: 3,
    idle: 1,
    async run({ target }: ShareJob, control?: JobControl) {
      events.push(`${target} begins`)
      control?.onMessage?.({ kind: 'progress', ...zero }, () => undefined)
      try {
        await works[target]?.(control)
      } finally {
        events.push(`${target} ends`)
      }
      return { parts: [{ file: target }], rejectFiles: [], accountFiles: [] } as unknown as ShareResult
    },
    stop() {},
    async close() {},
  } as unknown as Workers
  let clock = 0
  const runner = {
    workers,
    gate: createGate(),
    pace: { now: () => clock++, add() {}, slowMs: () => 0 },
    warn: (message: string) => void warnings.push(message),
    removeTarget: async (target: string) => void events.push(`${target} is removed`),
  }
  const share = async (target: string): Promise<string[]> =>
    (await runShare(jobOf(target), 2, runner)).flatMap(({ parts }) => parts.map(({ file }) => file))
  return { events, warnings, share }
}

/** Ends when it is not needed any more, some time after it was told so. */
const hangs: Work = control =>
  new Promise((_, reject) => {
    const end = (): void => reject(new PermanentError('ABORTED', 'not needed'))
    control?.signal?.addEventListener('abort', () => setTimeout(end, 20))
  })
const fails =
  (error: Error): Work =>
  () =>
    Promise.reject(error)

it('begins although another share waits to run alone, which begins when both copies have ended', async () => {
  const { events, warnings, share } = copying({
    slow: hangs,
    large: fails(new CapacityError('OUT_OF_MEMORY', 'too large')),
  })
  expect(await Promise.all([share('slow'), share('large')])).toEqual([['slow-copy'], ['large-alone0', 'large-alone1']])
  expect(events.indexOf('slow ends')).toBeLessThan(events.indexOf('large-alone0 begins'))
  expect(warnings).toEqual([expect.stringContaining('a second copy of slices 3 to 4 of batch 2 begins')])
})

it('fails for good while the first does not end: the log says why, and so does the error of a run that is then stopped', async () => {
  const stop = Promise.withResolvers<void>()
  const { warnings, share } = copying({
    slow: () => stop.promise,
    'slow-copy': fails(new PermanentError('TRANSFORM_FAILED', 'no such letter')),
  })
  const failed = share('slow').catch((error: unknown) => error)
  await expect.poll(() => warnings).toHaveLength(2)
  const text = 'the second copy of slices 3 to 4 of batch 2 failed with TRANSFORM_FAILED: no such letter'
  expect(warnings[1]).toBe(text)
  stop.reject(new PermanentError('ABORTED', 'the run was stopped'))
  const error = await failed
  expect(error).toMatchObject({ code: 'TRANSFORM_FAILED', message: expect.stringContaining('no such letter') })
  const signal = AbortSignal.abort(new PermanentError('ABORTED', 'interrupted by SIGINT'))
  const told = { code: 'ABORTED', message: `interrupted by SIGINT; before that, ${text}` }
  expect(faultOf(error, signal)).toMatchObject(told)
  expect(faultOf(faultOf(error, signal), signal)).toMatchObject(told)
})

it('is repeated alone when both copies failed for want of disk, of which each may have taken what the other needed', async () => {
  const full = fails(new CapacityError('DISK_FULL', 'no space'))
  const first = Promise.withResolvers<void>()
  const { events, share } = copying({
    slow: () => first.promise,
    async 'slow-copy'(control) {
      first.reject(new CapacityError('DISK_FULL', 'no space'))
      await full(control)
    },
  })
  expect(await share('slow')).toEqual(['slow-alone0', 'slow-alone1'])
  expect(events.indexOf('slow is removed')).toBeLessThan(events.indexOf('slow-alone0 begins'))
  expect(events.indexOf('slow is removed')).toBeGreaterThan(events.indexOf('slow-copy ends'))
})

it('counts each byte once, under way or finished, whichever copy is ahead', () => {
  const underWay = [0, 0]
  let finished = 0
  const begin = createCopyMessages()
  const [first, second] = [0, 1].map(copy => {
    const handle = begin()
    return (message: WorkerMessage): number => {
      handle(message, forwarded => {
        if (forwarded.kind === 'progress') finished += forwarded.bytes
        if (forwarded.kind !== 'log') underWay[copy] = forwarded.kind === 'underWay' ? forwarded.bytesStaged : 0
      })
      return finished + underWay[0]! + underWay[1]!
    }
  }) as [(message: WorkerMessage) => number, (message: WorkerMessage) => number]
  const staged = (bytesStaged: number): WorkerMessage => ({ kind: 'underWay', bytesStaged, bytesConverted: 0, rows: 0 })
  const done = (bytes: number): WorkerMessage => ({ kind: 'progress', ...zero, bytes })
  expect(first(done(0))).toBe(0)
  expect(first(staged(60))).toBe(60)
  expect(second(done(0))).toBe(60)
  expect(second(staged(90))).toBe(60)
  expect(second(done(100))).toBe(100)
  expect(first(staged(80))).toBe(100)
  expect(first(done(100))).toBe(100)
  expect(first(staged(50))).toBe(150)
  expect(first(done(70))).toBe(170)
  expect(second(done(70))).toBe(170)
})
