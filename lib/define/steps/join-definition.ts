/** The data of joins: how the rows of two sides become rows of one. */

/** Which rows a join returns: those with a partner, those of one side or of both, or rows of the left side by whether they have one. */
export type JoinKind = 'inner' | 'left' | 'full' | 'semi' | 'anti'

/** A column of each side; rows are partners when all pairs are equal. */
export interface JoinKey {
  readonly left: string
  readonly right: string
}

/** How the rows of two sides become rows of the join. */
export interface JoinStep {
  readonly on: readonly JoinKey[]
  readonly how: JoinKind
  /** Put before the names of columns of the right side that the left side has too. Default such columns are refused. */
  readonly prefix?: string
}

/** The sides of a join, in the order of their stages. */
export const joinSides = ['left', 'right'] as const
export type JoinSide = (typeof joinSides)[number]

/** Returns whether rows of a side without a partner, such as those whose key is null, are in the result. */
export const keepsUnmatched = (how: JoinKind, side: JoinSide): boolean =>
  how === 'full' || (side === 'left' && (how === 'left' || how === 'anti'))

/** Returns whether the result has the columns of the right side. */
export const hasRight = (how: JoinKind): boolean => how !== 'semi' && how !== 'anti'
