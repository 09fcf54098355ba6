/** Counts the records of a job. */
import { sumFields } from '../model/sum-fields.ts'
import type { ConvertJob } from './conversion.ts'

/** Returns the records of the files, which were counted apart from the scan. */
export const recordCount = ({ files }: Pick<ConvertJob, 'files'>): number => sumFields(files, ['records']).records
