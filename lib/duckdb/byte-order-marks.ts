/** Keeps U+FEFF at the beginning of texts, which the engine's library would drop as if it were the byte order mark of a file. */
import accessors from '@duckdb/node-api/lib/vectors/dataAccessors.js'

/** Replaces the library's decoder, which all its vectors look up at each value. */
export function keepByteOrderMarks(): void {
  const library = accessors as { textDecoder: typeof accessors.textDecoder }
  if (!library.textDecoder.ignoreBOM) library.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true })
}
