/** Whether staged text is UTF-8, looked at before the engine reads it where the engine would not get over it. */
import { isUtf8 } from 'node:buffer'
import { closeSync, openSync, readSync } from 'node:fs'
import type { Columns } from '../../define/definition.ts'
import type { StagedFile } from '../../stage/stage.ts'
import { encodingOf, type TextFormat } from '../../text/record-dialect.ts'

/**
 * Whether a fast reading may be tried: a text that is not UTF-8 ends the engine for good when columns stand before it
 * that are not read. Texts whose columns are all read are not looked at. Memory: a piece of 1 MiB.
 */
export function isReadable(files: readonly StagedFile[], format: TextFormat, columns: Columns): boolean {
  // Other encodings became UTF-8 when they were staged.
  if (encodingOf(format) !== 'utf-8') return true
  const hasUnread = (file: StagedFile): boolean =>
    file.located || (format.kind === 'csv' && file.columns.some(name => !Object.hasOwn(columns, name)))
  return files.every(file => file.bytes === 0 || !hasUnread(file) || isUtf8File(file.file))
}

const pieceBytes = 1 << 20

function isUtf8File(file: string): boolean {
  const piece = Buffer.allocUnsafeSlow(pieceBytes)
  const handle = openSync(file, 'r')
  try {
    for (let begun = 0; ; ) {
      const bytesRead = readSync(handle, piece, begun, pieceBytes - begun, null)
      if (bytesRead === 0) return begun === 0
      const bytes = begun + bytesRead
      const end = wholeCharacters(piece, bytes)
      if (!isUtf8(piece.subarray(0, end))) return false
      piece.copyWithin(0, end, bytes)
      begun = bytes - end
    }
  } finally {
    closeSync(handle)
  }
}

/** Where the last character begins, if not all of its bytes are there yet. */
function wholeCharacters(piece: Uint8Array, end: number): number {
  for (let at = end - 1; at >= Math.max(0, end - 3); at--) {
    const byte = piece[at] as number
    if (byte < 0x80) return end
    if (byte < 0xc0) continue
    const bytes = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return at + bytes > end ? at : end
  }
  return end
}
