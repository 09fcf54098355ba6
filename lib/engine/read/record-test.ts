/** Tests for lines that may not be records (JSON, log lines). */

export interface RecordTest {
  /** A condition as SQL; null counts as false. It may raise an error, or be wrong, where an earlier test is not met. */
  readonly isMet: string
  /** The `expected` of a reject. */
  readonly expected: string
}

/** Returns whether all tests are met, as SQL. Each test stands inside the one before, so that it is computed only where that one is met. */
export const allMet = (tests: readonly RecordTest[]): string =>
  tests.reduceRight((inner, { isMet }) => `(CASE WHEN ${isMet} THEN ${inner} ELSE false END)`, 'true')
