/** The estimate of dollars and seconds on AWS. */
import { describe, expect, it } from 'vitest'
import { modestTiers } from '../../infra/tiers.ts'
import { type AwsWork, defaultPlatform, estimateOnAws, transitionsOf } from '../../lib/aws/estimate.ts'
import type { State, States } from '../../lib/aws/invoke-states.ts'
import { awsPrices } from '../../lib/aws/prices.ts'
import { makeStateMachine } from '../../lib/aws/state-machine.ts'
import { csv, files, memberFiles, parquet, rowsFrom, zipMembers } from '../../lib/define/index.ts'
import { planMemberSlices } from '../../lib/inputs/slices/member-slices.ts'

const source = zipMembers({ paths: '*.zip', format: csv() })
const output = parquet({ path: 't' })

/** Makes the work of one archive whose members have one size and deflate to a third. */
function workOf(members: number, memberBytes: number, task: Partial<AwsWork['task']> = {}): AwsWork {
  const compressedBytes = Math.round(memberBytes / 3)
  const entries = Array.from({ length: members }, (_, index) => ({
    ...{ name: `${index}.csv`, crc32: 0, method: 8 as const, compressedBytes, inflatedBytes: memberBytes },
    ...{ headerOffset: index * compressedBytes, endOffset: (index + 1) * compressedBytes },
  }))
  const slices = planMemberSlices(entries, { input: 0 })
  return { task: { source, output, transform: [], ...task }, slices, objects: 1, memberCount: members }
}

describe('an estimate of a run on AWS', () => {
  it('has the tiers that the construct deploys by default', () => {
    expect(defaultPlatform.tiers).toEqual(modestTiers)
  })

  it('is the sum of its lines, each an amount times a price of the table, which has a date', () => {
    const { lines, dollars, prices } = estimateOnAws(workOf(1000, 1e6))
    for (const { amount, price, dollars } of lines) expect(dollars).toBe(amount * price)
    expect(dollars).toBeCloseTo(
      lines.reduce((sum, line) => sum + line.dollars, 0),
      12,
    )
    expect(prices).toEqual({ region: 'us-east-1', date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) })
    expect(lines[0]?.price).toBe(awsPrices.lambda.gbSecond.arm64)
  })

  it.each([1, 2, 40])(
    'counts the states that the machine enters with %i batches, and each child once more',
    batches => {
      expect(transitionsOf(batches)).toBe(statesEntered(batches) + batches)
    },
  )

  it('has separate lines for uploads that start executions with nothing to do', () => {
    const one = estimateOnAws(workOf(1000, 1e6))
    expect(one.uploads).toMatchObject({ executions: 0, dollars: 0 })
    const many = estimateOnAws({ ...workOf(1000, 1e6), objects: 1000 })
    expect(many.uploads.executions).toBe(999)
    const transitions = many.uploads.lines.find(({ what }) => what.startsWith('Step Functions'))
    const idle = statesEntered(0, 'busy')
    expect(transitions?.amount).toBe(999 * idle)
    expect(many.uploads.dollars).toBeGreaterThan(999 * idle * awsPrices.steps.transition)
    expect(many.dollars).toBeLessThan(one.dollars + many.uploads.dollars)
  })

  it('has no uploads for rows from code', () => {
    const task = { source: rowsFrom({ partitions: [1, 2], *rows() {} }), output, transform: [] }
    const slices = [1, 2].map((partition, input) => ({
      kind: 'rows' as const,
      slice: input,
      input,
      partition,
      bytes: 1,
    }))
    expect(estimateOnAws({ task, slices, objects: 2, memberCount: 2 }).uploads.executions).toBe(0)
  })

  it('keeps 37 GB in 558,000 members below ten cents and 90 seconds', () => {
    const { dollars, seconds, batches } = estimateOnAws(workOf(558_000, 66_300))
    expect(batches).toBe(72)
    expect(dollars).toBeLessThan(0.1)
    expect(seconds).toBeLessThan(90)
  })

  it('takes longer with less concurrency, at the same price except for cold starts', () => {
    const work = workOf(400, 60e6)
    const wide = estimateOnAws(work)
    const narrow = estimateOnAws(work, { ...defaultPlatform, maxConcurrency: 4 })
    expect(narrow.stepSeconds.process).toBeGreaterThan(8 * wide.stepSeconds.process)
    expect(narrow.dollars).toBeLessThan(wide.dollars)
    expect(narrow.dollars).toBeGreaterThan(0.6 * wide.dollars)
  })

  it('is cheaper for arm64 than for x86_64', () => {
    const work = workOf(100, 60e6)
    expect(estimateOnAws(work).dollars).toBeLessThan(
      estimateOnAws(work, { ...defaultPlatform, architecture: 'x86_64' }).dollars,
    )
  })

  it('counts one read for each object outside of a zip', () => {
    const slices = Array.from({ length: 5000 }, (_, slice) => ({
      kind: 'file' as const,
      slice,
      input: slice,
      bytes: 1e4,
    }))
    const task = { source: files({ paths: '*.csv', format: csv() }), output, transform: [] }
    const { s3, seconds } = estimateOnAws({ task, slices, objects: 5000, memberCount: 5000 })
    const zipped = estimateOnAws(workOf(5000, 1e4))
    expect(s3.reads).toBeGreaterThan(5000)
    expect(zipped.s3.reads).toBeLessThan(100)
    expect(seconds).toBeGreaterThan(zipped.seconds)
  })

  it('counts three writes for each extracted member', () => {
    const { s3, parts } = estimateOnAws(workOf(1000, 1000, { output: memberFiles({ path: 't' }) }))
    expect(parts).toBe(1000)
    expect(s3.writes).toBeGreaterThanOrEqual(3000)
  })

  it('has one batch when there is nothing to read', () => {
    expect(estimateOnAws(workOf(0, 0))).toMatchObject({ batches: 1, transitions: transitionsOf(1) })
  })
})

/** Counts the states of a successful execution of one task; `status` is the answer of Plan. */
function statesEntered(batches: number, status = 'planned'): number {
  const machine = makeStateMachine({
    ...{ tasks: ['t'], tierCount: 2, maxConcurrency: 100, nodeConcurrency: 20 },
    ...{ timeoutSeconds: 60, functionTimeoutSeconds: 60 },
  })
  return walk(machine, { batches, status })
}

interface Path {
  readonly batches: number
  readonly status: string
}

function walk({ StartAt, States }: States, path: Path): number {
  let entered = 0
  for (let name: string | undefined = StartAt; name !== undefined; ) {
    const state: State = States[name]!
    entered++
    if (state.Branches) for (const branch of state.Branches as States[]) entered += walk(branch, path)
    if (state.Type === 'Map') entered += path.batches * walk(state.ItemProcessor as States, path)
    name = nextOf(state, path)
  }
  return entered
}

/** Returns the next state when nothing fails. */
function nextOf({ Type, Choices, Default, Next }: State, { status }: Path): string | undefined {
  if (Type !== 'Choice') return Next as string | undefined
  const rules = Choices as { StringEquals?: string; BooleanEquals?: boolean; Next: string }[]
  return rules.find(rule => rule.StringEquals === status || rule.BooleanEquals)?.Next ?? (Default as string)
}
