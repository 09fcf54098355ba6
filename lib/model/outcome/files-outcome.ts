/** Creates the outcome of members that were extracted as files, without rows. */
import type { Outcome } from './outcome.ts'
import type { SkippedMembers } from './skipped-member.ts'

export type Extraction = Pick<Outcome, 'batch' | 'runId' | 'attempt' | 'token' | 'bytesIn' | 'slices'> & {
  readonly files: NonNullable<Outcome['files']>
  readonly skipped: SkippedMembers | undefined
}

/** Counts members by their files, so that each planned member must be one file or skipped. The caller adds the seconds. */
export function filesOutcome({ skipped, ...extraction }: Extraction): Omit<Outcome, 'seconds'> {
  const { files } = extraction
  return {
    ...extraction,
    membersSkipped: skipped?.count ?? 0,
    skipped,
    parts: [],
    rowsRead: 0,
    rowsWritten: 0,
    rowsRejected: 0,
    rowsFiltered: 0,
    recordsFound: 0,
    members: files.length,
    bytesInflated: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    rejects: [],
    workers: [],
    firstRejects: [],
    schema: [],
  }
}
