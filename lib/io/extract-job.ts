/** The job of a thread that extracts members: with the members' policy, and telling how far it is. */
import type { Store } from '../core/store.ts'
import type { WorkerJob, WorkerMessage, WorkerResults } from '../core/worker-job.ts'
import type { ZipLimits } from '../define/definition.ts'
import { extractMembers } from './extract-members.ts'

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
  let membersSkipped = 0
  const onBad = (member: { readonly name: string }, error: Error): void => {
    membersSkipped++
    tell({ kind: 'log', level: 'warn', message: `member skipped: ${error.message}`, member: member.name })
  }
  const options = { folder, limits, signal, ...(onBadMember === 'skip' && { onBad }) }
  const files = await extractMembers(store, input, slice, options)
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  tell({ kind: 'progress', members: files.length, bytes, rowsWritten: 0, rowsRejected: 0 })
  return { files, membersSkipped }
}
