/** The reasons why a run is necessary, for people and programs. */
import * as v from 'valibot'
import type { DataOf } from '../json-schema.ts'

export const reasonSchema = v.object({
  /**
   * `neverRun`: nothing is committed for these parameters; `params`: for others, something is; `forced`: as asked for; `code`, `input`
   * and `upstream`: they changed since the last run; `output`: its rows are gone or were replaced.
   */
  kind: v.picklist(['neverRun', 'params', 'forced', 'code', 'input', 'upstream', 'output']),
  /** One line, such as `input changed: 3 of 12 archives`. */
  text: v.string(),
})
/** Why a run is necessary. */
export type RunReason = DataOf<typeof reasonSchema>

/** Returns the reasons in one line. */
export const reasonsText = (reasons: readonly RunReason[]): string => reasons.map(({ text }) => text).join('; ')
