/** A thread of the generator: makes rows and deflates them, several pieces for each message. */
import { constants, deflateRawSync } from 'node:zlib'
import { type OrderStyle, orderHeader, orderRows } from './order-rows.ts'

export interface Piece {
  readonly style: OrderStyle
  readonly start: number
  readonly count: number
  readonly hasHeader: boolean
  /** `whole`: one complete deflate stream; `part`: other parts follow it in the same stream. */
  readonly deflate: 'whole' | 'part' | 'none'
}

export interface PieceBytes {
  readonly text: Uint8Array
  readonly deflated: Uint8Array
}

export default function makePieces(pieces: readonly Piece[]): readonly PieceBytes[] {
  return pieces.map(makePiece)
}

function makePiece({ style, start, count, hasHeader, deflate }: Piece): PieceBytes {
  const text = Buffer.from((hasHeader ? orderHeader : '') + orderRows(style, start, count))
  const finishFlush = deflate === 'part' ? constants.Z_FULL_FLUSH : constants.Z_FINISH
  const deflated = deflate === 'none' ? Buffer.alloc(0) : deflateRawSync(text, { level: 3, finishFlush })
  return { text: new Uint8Array(text), deflated: new Uint8Array(deflated) }
}
