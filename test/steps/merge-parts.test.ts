import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CapacityError } from '../../lib/core/errors.ts'
import type { SharePart } from '../../lib/core/share.ts'
import type { Workers } from '../../lib/core/worker-job.ts'
import { mergeSmall } from '../../lib/steps/merge-parts.ts'

const part = (state: string, n: number): SharePart => ({
  file: `${state}${n}`,
  rows: 1,
  sizeBytes: 100,
  partition: { state },
})
const parts = ['A', 'B', 'C', 'D', 'E'].flatMap(state => [part(state, 1), part(state, 2)])

/** Workers whose merges take a moment; those of the files named fail at once. */
function workersThat(failOn: readonly string[]) {
  const log: string[] = []
  const run = async ({ files }: { readonly files: readonly string[] }): Promise<SharePart> => {
    log.push(`begin ${files[0]}`)
    if (failOn.includes(files[0] ?? '')) throw new CapacityError('DISK_FULL', 'the disk is full')
    await delay(5)
    log.push(`end ${files[0]}`)
    return { file: `merged ${files[0]}`, rows: files.length, sizeBytes: 150, partition: {} }
  }
  return { log, workers: { threads: 2, run, stop: () => {}, close: async () => {} } as unknown as Workers }
}

describe('merging small parts', () => {
  it('gives one part for each partition, in their order, with its values', async () => {
    const merged = await mergeSmall(parts, 't', { workers: workersThat([]).workers, partBytes: 1e6 })
    expect(merged.map(({ file, rows, partition }) => [file, rows, partition.state])).toEqual(
      ['A', 'B', 'C', 'D', 'E'].map(state => [`merged ${state}1`, 2, state]),
    )
  })

  it('leaves with a failure only when every merge has ended, and begins none after it', async () => {
    const { log, workers } = workersThat(['B1'])
    await expect(mergeSmall(parts, 't', { workers, partBytes: 1e6 })).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(log).toEqual(['begin A1', 'begin B1', 'end A1'])
  })
})
