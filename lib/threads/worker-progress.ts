/** Sends how far a thread is with its present group of slices, a few times a second, until the group is done. */

import type { Converted } from '../engine/convert.ts'
import type { EngineProgress } from '../engine/task-engine.ts'
import type { UnderWay, WorkerMessage } from '../model/worker-job.ts'

type Done = Omit<Extract<WorkerMessage, { kind: 'progress' }>, 'kind'>

/** The staged files of a conversion, as far as progress needs to know them. */
export interface ConvertedFiles {
  readonly files: readonly { readonly bytes: number; readonly records: number }[]
}

export interface ThreadProgress {
  /** A group is staged from the start, perhaps for the second time. */
  beginGroup(): void
  /** More text was inflated. */
  staged(bytes: number): void
  /** All text of the group is staged. */
  endStaging(staged: ConvertedFiles): void
  /** Runs a conversion of some files of the group, and looks how far it is. */
  during(job: ConvertedFiles, convert: () => Promise<Converted>): Promise<Converted>
  /** The group is done, and its counts are final. */
  done(counts: Done): void
}

export interface ThreadProgressOptions {
  tell(message: WorkerMessage): void
  /** How far the engine is with its present query. */
  readonly engine: () => EngineProgress
  /** Between two messages, and between two looks at the engine; default 250. */
  readonly intervalMs?: number
}

const noWork: UnderWay = { bytesStaged: 0, bytesConverted: 0, rows: 0 }

export function createThreadProgress({ tell, engine, intervalMs = 250 }: ThreadProgressOptions): ThreadProgress {
  let now = noWork
  let sentAtMs = 0
  let fileBytes = 0
  /** Rows of finished conversions of this thread: what share of the rows that are read is written. */
  const finished = { read: 0, written: 0 }
  const send = (change: Partial<UnderWay>): void => {
    now = { ...now, ...change }
    if (performance.now() - sentAtMs < intervalMs) return
    sentAtMs = performance.now()
    tell({ kind: 'underWay', ...now })
  }
  /** What a transform leaves out is not known before a first conversion is finished: no rows are claimed until then. */
  const rowsOf = ({ fraction, rowsRead }: EngineProgress, records: number): number => {
    if (rowsRead === undefined) return Math.round(fraction * records)
    return finished.read === 0 ? 0 : Math.round((rowsRead * finished.written) / finished.read)
  }
  return {
    beginGroup() {
      now = noWork
      fileBytes = 0
    },
    staged: bytes => send({ bytesStaged: now.bytesStaged + bytes }),
    endStaging({ files }) {
      fileBytes = sumOf(files, 'bytes')
    },
    async during({ files }, convert) {
      const before = now
      const share = fileBytes === 0 ? 0 : Math.min(1, sumOf(files, 'bytes') / fileBytes)
      const records = sumOf(files, 'records')
      const look = (): void => {
        const seen = engine()
        const bytes = before.bytesConverted + share * seen.fraction * now.bytesStaged
        // Further queries over the same rows, such as those for rejects, do not take the bar back.
        send({
          bytesConverted: Math.min(now.bytesStaged, Math.max(now.bytesConverted, Math.round(bytes))),
          rows: Math.max(now.rows, before.rows + rowsOf(seen, records)),
        })
      }
      const timer = setInterval(look, intervalMs).unref()
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
    done(counts) {
      now = noWork
      tell({ kind: 'progress', ...counts })
    },
  }
}

function sumOf<K extends string>(items: readonly Readonly<Record<K, number>>[], name: K): number {
  return items.reduce((sum, item) => sum + item[name], 0)
}
