/** Refuses files of another kind than the expected one, by their first bytes. */
import type { TextEncoding } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { compressionOf } from '../inflate/compression.ts'
import { checkEncoding } from './encoding.ts'
import { fileKindOf } from './file-kind.ts'

/** Checks that bytes are the beginning of a text in an encoding. @throws INPUT_INVALID for a file of another kind; INPUT_ENCODING */
export function checkTextStart(bytes: Uint8Array, name: string, encoding: TextEncoding): void {
  refuseOtherFile(bytes, name)
  checkEncoding(bytes, encoding)
}

/**
 * Refuses a file or member that begins with these bytes and is not what was expected, nor of a kind that is similar. Its name shows
 * whether it was inflated.
 * @throws INPUT_INVALID
 */
export function refuseOtherFile(
  bytes: Uint8Array,
  name: string,
  expected = 'text',
  similar: readonly string[] = [],
): void {
  const kind = fileKindOf(bytes)
  if (kind === undefined || kind.name === expected || similar.includes(kind.name)) return
  const compression = compressionOf(name)
  const inside = compression === undefined ? '' : ` in ${compression.name}`
  const message = `expected ${expected}, got ${kind.name}${inside}; ${kind.advice}`
  throw new PermanentError('INPUT_INVALID', message, { found: kind.name })
}
