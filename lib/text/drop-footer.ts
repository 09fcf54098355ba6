/** Leaves out the last lines of a text. */
import { Buffer } from 'node:buffer'
import { invalidInput } from '../errors/invalid-input.ts'
import { type ChunkFilter, joinChunks } from './chunk-filter.ts'
import { isNewline, longestRecordBytes } from './records/dialect.ts'

/**
 * Returns a filter that leaves out the last `lines` lines and the blank lines between and after them.
 * @throws INPUT_INVALID for a footer of more than 64 MiB
 */
export function dropFooter(lines: number): ChunkFilter {
  let kept: Uint8Array = new Uint8Array(0)
  return {
    push(chunk, isLast) {
      const bytes = joinChunks(kept, chunk)
      // One line more may be the rest of a line that the next chunk completes.
      const end = footerStart(bytes, isLast ? lines : lines + 1)
      if (!isLast) kept = Buffer.from(bytes.subarray(end))
      if (kept.length > longestRecordBytes)
        throw invalidInput(`a footer of ${lines} lines in at most ${longestRecordBytes} bytes`, 'longer lines', {
          lines,
        })
      return bytes.subarray(0, end)
    },
  }
}

/** Returns where the last `lines` lines that are not blank begin; 0 where there are no more. */
function footerStart(bytes: Uint8Array, lines: number): number {
  let at = bytes.length
  for (let found = 0; found < lines && at > 0; found++) {
    while (at > 0 && isNewline(bytes[at - 1])) at--
    while (at > 0 && !isNewline(bytes[at - 1])) at--
  }
  return at
}
