/** The interface between a format and the readings: staged text as a relation in SQL, with the text of each declared column. */
import type { Columns } from '../../../define/definition.ts'
import type { TextFormat } from '../../../define/formats/format-kind.ts'

/** Staged files that one scan can read: their header and newline style are the same. */
export interface TextSource {
  /** A FROM clause; the other expressions refer to its columns. */
  readonly from: string
  /** The text of a column as SQL; undefined when the files do not have it. */
  text(column: string): string | undefined
  isTyped?(column: string): boolean
  /** For formats whose fields may hold an error in place of a value: whether one does, and the error as it is shown, as SQL. */
  errorIn?(column: string): { readonly isMet: string; readonly shown: string } | undefined
  /** The whole text of a record as SQL; a CSV record is written anew. */
  readonly recordText: string
  /** The columns that a fast reading needs, as SQL; default `*`, for which the time grows with the square of thousands of columns. */
  readonly used?: readonly string[]
  /** Columns that the files have and the task does not declare. Default none. */
  readonly undeclared?: readonly { readonly name: string; readonly text: string }[]
  readonly inPath?: readonly string[]
  /** For formats whose records have columns of their own: whether a record has the column, as SQL. */
  keyOf?(column: string): string
  /** For formats whose records have columns of their own: the names that are not declared, and the value of `_new`, as SQL. */
  readonly ownNew?: { readonly names: string; readonly map: string }
  /** For formats whose lines may not be records (JSON, log lines): the tests of a line, in order, and its text. */
  readonly record?: { readonly tests: readonly RecordTest[]; readonly received: string }
}

/** A test for lines that may not be records. */
export interface RecordTest {
  /** A condition as SQL; null counts as false. It may raise an error, or be wrong, where an earlier test is not met. */
  readonly isMet: string
  /** The `expected` of a reject. */
  readonly expected: string
}

/** Returns whether all tests are met, as SQL. Each test stands inside the one before, so that it is computed only where that one is met. */
export const allMet = (tests: readonly RecordTest[]): string =>
  tests.reduceRight((inner, { isMet }) => `(CASE WHEN ${isMet} THEN ${inner} ELSE false END)`, 'true')

export interface TextSourceOptions {
  readonly format: TextFormat
  readonly columns: Columns
  /** Records that cannot be read fail the query, are kept in the table `fanmill_errors`, or are skipped because they are kept already. */
  readonly badRecords: 'fail' | 'keep' | 'ignore'
  /**
   * Looks for what the engine's reading would lose. Else the scan reads types where it reads as a cast of the text would: cheaper, but
   * nothing can be checked. Default true.
   */
  readonly strict?: boolean
  /** Columns that stand in the paths of the inputs. Default none. */
  readonly hive?: readonly string[]
  /** Reads columns that are not declared as well. Default false. */
  readonly keepNew?: boolean
}
