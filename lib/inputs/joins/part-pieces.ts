/** Names the parts of a dataset that are a side of a join. */
import type { ManifestPart } from '../../model/outcome/manifest.ts'
import type { ExchangePiece } from '../../model/plan-data.ts'

/** Returns the parts that have rows as pieces of a slice. */
export const piecesOf = (parts: readonly ManifestPart[], side: number): ExchangePiece[] =>
  parts
    .filter(({ rows }) => rows > 0)
    .map(({ key, etag, rows, bytes, partition }) => ({
      ...{ key, etag, side, partition },
      start: 0,
      files: [{ rows, bytes }],
    }))
