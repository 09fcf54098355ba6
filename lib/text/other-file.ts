/** Refuses files of another kind than the one that is read, by their first bytes. */

import { PermanentError } from '../errors/errors.ts'
import { compressionOf } from '../inflate/compression.ts'
import { fileKindOf } from './file-kind.ts'

/**
 * `name` is that of the file or member, which says whether it was inflated.
 * @throws INPUT_INVALID when the text, or Parquet file, that begins with these bytes is something else
 */
export function refuseOtherFile(bytes: Uint8Array, name: string, expected = 'text'): void {
  const kind = fileKindOf(bytes)
  if (kind === undefined || kind.name === expected) return
  const compression = compressionOf(name)
  const inside = compression === undefined ? '' : ` in ${compression}`
  const message = `expected ${expected}, got ${kind.name}${inside}; ${kind.advice}`
  throw new PermanentError('INPUT_INVALID', message, { found: kind.name })
}
