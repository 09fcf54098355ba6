/** The outcome of members that were extracted as they are: files, and no rows. */
import type { Outcome } from './outcome.ts'

/** What an extraction says of itself. */
export type Extraction = Pick<
  Outcome,
  'batch' | 'runId' | 'attempt' | 'token' | 'bytesIn' | 'seconds' | 'slices' | 'workers'
> & {
  readonly files: NonNullable<Outcome['files']>
  readonly membersSkipped: number
}

/** Members are counted by their files, so that each that was planned must be one file or skipped. */
export function filesOutcome(extraction: Extraction): Outcome {
  const { files } = extraction
  return {
    ...extraction,
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
