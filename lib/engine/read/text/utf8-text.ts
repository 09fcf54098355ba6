/** Checks that staged text is UTF-8 before the engine reads it, where the engine would not survive a text that is not. */
import { isUtf8 } from 'node:buffer'
import { closeSync, openSync, readSync } from 'node:fs'
import { findColumns } from '../../../define/columns/file-names.ts'
import type { Columns } from '../../../define/definition.ts'
import { type FieldFormat, hasFields, type TextFormat } from '../../../define/formats/format-kind.ts'
import type { StagedFile } from '../../../stage/staged-file.ts'
import { encodingOf } from '../../../text/records/dialect.ts'

/**
 * Whether a fast reading may be tried: a text that is not UTF-8 ends the engine for good when it has columns that are
 * not read. Texts whose columns are all read need no check, nor do rows that were parsed, nor located text, of which staging sets aside what
 * is not UTF-8.
 * Memory: a piece of 1 MiB.
 */
export function isReadable(files: readonly StagedFile[], format: TextFormat, columns: Columns): boolean {
  const hasUnread = (file: StagedFile): boolean =>
    !file.located && !file.parsed && hasFields(format) && hasUnreadColumns(file, format, columns)
  // Other encodings became UTF-8 when they were staged.
  if (encodingOf(format) !== 'utf-8') return true
  return files.filter(hasUnread).every(file => file.bytes === 0 || isUtf8File(file.file))
}

function hasUnreadColumns({ columns: header }: StagedFile, { matchNames }: FieldFormat, columns: Columns): boolean {
  const read = new Set(findColumns(header, columns, matchNames).positions.values())
  return header.some((_, index) => !read.has(index))
}

const pieceBytes = 1 << 20

function isUtf8File(file: string): boolean {
  const piece = Buffer.allocUnsafeSlow(pieceBytes)
  const handle = openSync(file, 'r')
  try {
    for (let kept = 0; ; ) {
      const bytesRead = readSync(handle, piece, kept, pieceBytes - kept, null)
      if (bytesRead === 0) return kept === 0
      const bytes = kept + bytesRead
      const end = wholeCharacters(piece, bytes)
      if (!isUtf8(piece.subarray(0, end))) return false
      piece.copyWithin(0, end, bytes)
      kept = bytes - end
    }
  } finally {
    closeSync(handle)
  }
}

/** Returns where the last character begins if some of its bytes are still missing; else `end`. */
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
