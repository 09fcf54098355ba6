/** How a part is cut for its upload: S3 takes at most 10,000 pieces, of at least 5 MiB but for the last. */

/** Fewer requests than with 5 MiB, and of little memory. */
const pieceBytesMin = 16 * 1024 * 1024
const piecesMax = 10_000

/** Bytes of each piece but the last. */
export const pieceBytesOf = (sizeBytes: number): number => Math.max(pieceBytesMin, Math.ceil(sizeBytes / piecesMax))

/** An empty part is one piece, too. */
export const pieceCountOf = (sizeBytes: number): number => Math.max(1, Math.ceil(sizeBytes / pieceBytesOf(sizeBytes)))
