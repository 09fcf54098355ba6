/** Sends the progress of a thread with its current group of slices, a few times a second. */

import type { Converted } from '../../engine/conversion.ts'
import type { EngineProgress } from '../../engine/task-engine.ts'
import { sumFields } from '../../model/sum-fields.ts'
import type { UnderWay, WorkerMessage } from '../../model/worker-job.ts'

type Done = Omit<Extract<WorkerMessage, { kind: 'progress' }>, 'kind'>

/** Sizes of the staged files of a conversion. */
export interface ConvertedFiles {
  readonly files: readonly { readonly bytes: number; readonly records: number }[]
}

export type ThreadProgress = ReturnType<typeof createThreadProgress>

export interface ThreadProgressOptions {
  send(message: WorkerMessage): void
  /** Returns the progress of the engine's current query. */
  readonly engineProgress: () => EngineProgress
  /** Milliseconds between two messages; default 250. */
  readonly intervalMs?: number
}

const noWork: UnderWay = { bytesStaged: 0, bytesConverted: 0, rows: 0 }

export function createThreadProgress({ send, engineProgress, intervalMs = 250 }: ThreadProgressOptions) {
  let now = noWork
  let sentAtMs = 0
  let fileBytes = 0
  /** Rows of the finished conversions of this thread, for the ratio of written to read rows. */
  const finished = { read: 0, written: 0 }
  const update = (change: Partial<UnderWay>): void => {
    now = { ...now, ...change }
    if (performance.now() - sentAtMs < intervalMs) return
    sentAtMs = performance.now()
    send({ kind: 'underWay', ...now })
  }
  /** Estimates written rows. How many rows a transform drops is unknown until the first conversion ends: 0 until then. */
  const estimateRows = ({ fraction, isTransformed, rowsRead }: EngineProgress, records: number): number => {
    const read = rowsRead ?? fraction * records
    if (!isTransformed) return Math.round(read)
    return finished.read === 0 ? 0 : Math.round((read * finished.written) / finished.read)
  }
  return {
    /** Called when a group is staged from its beginning, possibly for the second time. */
    beginGroup(): void {
      now = noWork
      fileBytes = 0
    },
    /** Called when more text was inflated. */
    staged: (bytes: number): void => update({ bytesStaged: now.bytesStaged + bytes }),
    /** Called when all text of the group is staged. */
    endStaging({ files }: ConvertedFiles): void {
      fileBytes = sumFields(files, ['bytes']).bytes
    },
    /** Runs a conversion of some files of the group, and sends its progress meanwhile. */
    async during({ files }: ConvertedFiles, convert: () => Promise<Converted>): Promise<Converted> {
      const before = now
      const share = fileBytes === 0 ? 0 : Math.min(1, sumFields(files, ['bytes']).bytes / fileBytes)
      const records = sumFields(files, ['records']).records
      const sendProgress = (): void => {
        const found = engineProgress()
        const bytes = before.bytesConverted + share * found.fraction * now.bytesStaged
        // Values never fall, although further queries over the same rows, such as those for rejects, begin at 0.
        update({
          bytesConverted: Math.min(now.bytesStaged, Math.max(now.bytesConverted, Math.round(bytes))),
          rows: Math.max(now.rows, before.rows + estimateRows(found, records)),
        })
      }
      const timer = setInterval(sendProgress, intervalMs)
      try {
        const converted = await convert()
        if (converted.kind === 'parts') {
          finished.read += converted.rowsRead
          finished.written += converted.rowsWritten
          now = { ...now, rows: before.rows + converted.rowsWritten }
        }
        return converted
      } finally {
        clearInterval(timer)
      }
    },
    /** Called with the final counts of the group. */
    done(counts: Done): void {
      now = noWork
      send({ kind: 'progress', ...counts })
    },
  }
}
