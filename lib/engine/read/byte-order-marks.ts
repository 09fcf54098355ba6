/** Lets texts that begin with U+FEFF keep it: the engine's library decodes them as if it were the byte order mark of a file, and drops it. */
import accessors from '@duckdb/node-api/lib/vectors/dataAccessors.js'

/** All vectors of the library decode with this one decoder, which it looks up at each value. */
export function keepByteOrderMarks(): void {
  const library = accessors as { textDecoder: typeof accessors.textDecoder }
  if (!library.textDecoder.ignoreBOM) library.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true })
}
