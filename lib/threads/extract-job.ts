/** The job of a thread that extracts members: with the members' policy, and telling how far it is. */

import type { ZipLimits } from '../define/definition.ts'
import type { FanmillError } from '../errors/errors.ts'
import { type SkippedMember, skippedLine, skippedMember } from '../model/skipped-member.ts'
import type { WorkerJob, WorkerMessage, WorkerResults } from '../model/worker-job.ts'
import type { Store } from '../store/store.ts'
import { extractMembers } from '../zip/extract-members.ts'

export interface ExtractJobOptions {
  readonly store: Store
  readonly limits: Pick<ZipLimits, 'memberBytesMax'>
  readonly onBadMember: 'fail' | 'skip'
  readonly signal: AbortSignal
  tell(message: WorkerMessage): void
}

/** @throws as extractMembers */
export async function runExtractJob(
  { input, slice, folder }: Extract<WorkerJob, { kind: 'extract' }>,
  { store, limits, onBadMember, signal, tell }: ExtractJobOptions,
): Promise<WorkerResults['extract']> {
  const skipped: SkippedMember[] = []
  const onBad = (_member: unknown, error: FanmillError): void => {
    const member = skippedMember(error)
    skipped.push(member)
    tell({ kind: 'log', ...skippedLine(member) })
  }
  const options = { folder, limits, signal, ...(onBadMember === 'skip' && { onBad }) }
  const files = await extractMembers(store, input, slice, options)
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  tell({ kind: 'progress', members: files.length, bytes, rowsWritten: 0, rowsRejected: 0 })
  return { files, skipped }
}
