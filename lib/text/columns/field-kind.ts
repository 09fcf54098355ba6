/** Names the kinds of values to which fields are parsed while their text is staged. */

/** Kinds with their numbers in fields.c. */
export const kindCodes = {
  text: 0,
  int32: 1,
  int64: 2,
  decimal: 3,
  float32: 4,
  float64: 5,
  boolean: 6,
  date: 7,
  time: 8,
  timestamp: 9,
} as const

/** How the fields of a column are parsed. What is written in another way than the plainest stops the parsing, and is left to the engine. */
export interface FieldKind {
  readonly kind: keyof typeof kindCodes
  /** Set for a text that the engine casts, while its scan of CSV could have read the value. Default false. */
  readonly isCast?: boolean
  /** Stops at nulls. Default false. */
  readonly isRequired?: boolean
  /** Limits of an integer, which fit into its bits with a sign. */
  readonly least?: bigint
  readonly most?: bigint
  /** The kind of a column in which fields are not written so. Default text. */
  readonly wider?: FieldKind | undefined
  /** Digits of a decimal: at most 18 in all, and how many of them stand behind the point. */
  readonly precision?: number
  readonly scale?: number
}
