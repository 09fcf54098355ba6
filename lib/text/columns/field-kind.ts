/** Names the kinds of values to which fields are parsed while their text is staged. */

/** Kinds with their numbers in fields.c. */
export const kindCodes = {
  text: 0,
  integer: 1,
  decimal: 2,
  float: 3,
  boolean: 4,
  date: 5,
  timestamp: 6,
} as const

/** How the fields of a column are parsed. What is written in another way than the plainest stops the parsing, and is left to the engine. */
export interface FieldKind {
  readonly kind: keyof typeof kindCodes
  /** Stops at nulls. Default false. */
  readonly isRequired?: boolean
  /** Limits of an integer; both fit into 64 bits with a sign. */
  readonly least?: bigint
  readonly most?: bigint
  /** Digits of a decimal: at most 18 in all, and how many of them stand behind the point. */
  readonly precision?: number
  readonly scale?: number
}
