/** What must be true of a record that may not be one at all: JSON, log lines. */

export interface RecordTest {
  /** As SQL; null counts as false. May raise, or be wrong, where a test before it is not met. */
  readonly isMet: string
  /** What a reject says was expected. */
  readonly expected: string
}

/** Whether all tests are met, as SQL: one inside the other, so that later ones are computed for few rows. */
export const allMet = (tests: readonly RecordTest[]): string =>
  tests.reduceRight((inner, { isMet }) => `(CASE WHEN ${isMet} THEN ${inner} ELSE false END)`, 'true')
