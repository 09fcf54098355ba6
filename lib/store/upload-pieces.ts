/** Cuts a part into pieces for its upload: S3 takes at most 10,000, of at least 5 MiB except for the last. */

/** Fewer requests than with 5 MiB, in little memory. */
const pieceBytesMin = 16 * 1024 * 1024
const piecesMax = 10_000

/** Returns the bytes of each piece except for the last. */
export const pieceBytesOf = (sizeBytes: number): number => Math.max(pieceBytesMin, Math.ceil(sizeBytes / piecesMax))

/** Returns the number of pieces; an empty part is one piece. */
export const pieceCountOf = (sizeBytes: number): number => Math.max(1, Math.ceil(sizeBytes / pieceBytesOf(sizeBytes)))
