/** Runs the job of a thread that extracts members. */

import { extractMembers } from '../../archive/extract-members.ts'
import type { ZipLimits } from '../../define/definition.ts'
import type { FanmillError } from '../../errors/errors.ts'
import { type SkippedMember, skippedLine, skippedMember } from '../../model/outcome/skipped-member.ts'
import type { WorkerJob, WorkerMessage, WorkerResults } from '../../model/worker-job.ts'
import type { Store } from '../../store/store.ts'

export interface ExtractJobOptions {
  readonly store: Store
  readonly limits: Pick<ZipLimits, 'memberBytesMax'>
  readonly onBadMember: 'fail' | 'skip'
  readonly signal: AbortSignal
  send(message: WorkerMessage): void
}

/** @throws as extractMembers */
export async function runExtractJob(
  { input, slice, folder }: WorkerJob<'extract'>,
  { store, limits, onBadMember, signal, send }: ExtractJobOptions,
): Promise<WorkerResults['extract']> {
  const skipped: SkippedMember[] = []
  const onBad = (_member: unknown, error: FanmillError): void => {
    const member = skippedMember(error)
    skipped.push(member)
    send({ kind: 'log', ...skippedLine(member) })
  }
  const options = { folder, limits, signal, onBad: onBadMember === 'skip' ? onBad : undefined }
  const files = await extractMembers(store, input, slice, options)
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  send({ kind: 'progress', members: files.length, bytes, rowsWritten: 0, rowsRejected: 0 })
  return { files, skipped }
}
