/** The option of text formats that names their encoding. */
import * as v from 'valibot'
import type { DeclaredEncoding } from '../definition.ts'
import { oneOf } from '../schemas.ts'

/** The option of all text formats. */
export interface EncodingOptions {
  /**
   * The encoding of the text. `latin-1` means `windows-1252`, as in browsers. `utf-16` is little-endian unless a byte order mark says
   * otherwise. Default `utf-8`.
   * @example csv({ encoding: 'windows-1252' })
   */
  readonly encoding?: DeclaredEncoding | 'latin-1'
}

export const anyEncoding = v.optional(oneOf(['utf-8', 'windows-1252', 'latin-1', 'utf-16', 'utf-16le', 'utf-16be']))

/** Returns the encoding that an option names. Like browsers, it reads latin-1 as windows-1252, whose 0x80 to 0x9f are printed characters. */
export const encodingNamed = (name: EncodingOptions['encoding']): DeclaredEncoding | undefined =>
  name === 'latin-1' ? 'windows-1252' : name

/** Returns the encoding as a field of a format, absent for UTF-8. */
export function declaredEncoding(name: EncodingOptions['encoding']): { readonly encoding?: DeclaredEncoding } {
  const encoding = encodingNamed(name)
  return encoding === undefined || encoding === 'utf-8' ? {} : { encoding }
}
