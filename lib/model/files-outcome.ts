/** Creates the outcome of members that were extracted as files, without rows. */
import type { Outcome } from './outcome.ts'
import type { SkippedMembers } from './skipped-member.ts'

/** The result of an extraction. */
export type Extraction = Pick<
  Outcome,
  'batch' | 'runId' | 'attempt' | 'token' | 'bytesIn' | 'seconds' | 'slices' | 'workers'
> & {
  readonly files: NonNullable<Outcome['files']>
  readonly skipped: SkippedMembers | undefined
}

/** Counts members by their files, so that each planned member must be one file or skipped. */
export function filesOutcome({ skipped, ...extraction }: Extraction): Outcome {
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
    firstRejects: [],
    schema: [],
  }
}
