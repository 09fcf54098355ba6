import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CapacityError } from '../../lib/errors/errors.ts'
import type { SharePart } from '../../lib/model/share.ts'
import type { WorkerJob, Workers } from '../../lib/model/worker-job.ts'
import { fitParts } from '../../lib/process/merge-parts.ts'

const part = (state: string, n: number): SharePart => ({
  file: `${state}${n}`,
  rows: 1,
  sizeBytes: 100,
  partition: { state },
})
const parts = ['A', 'B', 'C', 'D', 'E'].flatMap(state => [part(state, 1), part(state, 2)])

type Merge = Extract<WorkerJob, { readonly kind: 'merge' }>

/** Workers whose merges take a moment; merges of the given files fail at once. */
function workersThat(failOn: readonly string[]) {
  const log: string[] = []
  const run = async ({ files, fileRows }: Merge): Promise<readonly SharePart[]> => {
    if (fileRows) log.push(`split into parts of ${fileRows} rows`)
    log.push(`begin ${files[0]}`)
    if (failOn.includes(files[0] ?? '')) throw new CapacityError('DISK_FULL', 'the disk is full')
    await delay(5)
    log.push(`end ${files[0]}`)
    return [{ file: `merged ${files[0]}`, rows: files.length, sizeBytes: 150, partition: {} }]
  }
  return { log, workers: { threads: 2, run, stop: () => {}, close: async () => {} } as unknown as Workers }
}

describe('merging small parts', () => {
  it('returns one part for each partition, in their order, with its values', async () => {
    const merged = await fitParts(parts, 't', { workers: workersThat([]).workers, partBytes: 1e6 })
    expect(merged.map(({ file, rows, partition }) => [file, rows, partition.state])).toEqual(
      ['A', 'B', 'C', 'D', 'E'].map(state => [`merged ${state}1`, 2, state]),
    )
  })

  it('splits a part that is much larger than partBytes into equal ones of whole vectors', async () => {
    const { log, workers } = workersThat([])
    const large = { ...part('A', 1), rows: 100_000, sizeBytes: 11_000_000 }
    const split = await fitParts([large], 't', { workers, partBytes: 2_000_000 })
    expect(log[0]).toBe('split into parts of 14336 rows')
    expect(split).toMatchObject([{ file: 'merged A1', partition: { state: 'A' } }])
  })

  it('does not split parts that are only a little larger, or have too few rows', async () => {
    const { log, workers } = workersThat([])
    const parts = [
      { ...part('A', 1), rows: 100_000, sizeBytes: 2_400_000 },
      { ...part('B', 1), rows: 2000, sizeBytes: 11_000_000 },
    ]
    expect(await fitParts(parts, 't', { workers, partBytes: 2_000_000 })).toEqual(parts)
    expect(log).toEqual([])
  })

  it('throws a failure only when every merge has ended, and begins none after it', async () => {
    const { log, workers } = workersThat(['B1'])
    await expect(fitParts(parts, 't', { workers, partBytes: 1e6 })).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(log).toEqual(['begin A1', 'begin B1', 'end A1'])
  })
})
