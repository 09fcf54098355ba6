/** Recognises files that are no text by their first bytes. */
import { Buffer } from 'node:buffer'

export interface FileKind {
  /** With its article: `a tar archive`. */
  readonly name: string
  /** What to do with it. */
  readonly advice: string
}

/** A tar archive's first header says `ustar` here. */
const tarOffset = 257
/** A spreadsheet names its parts in its first members. */
const spreadsheetBytes = 4096

/** The kind of a file that is no text; undefined for text, and for what is not known. */
export function fileKindOf(bytes: Uint8Array): FileKind | undefined {
  const begins = (text: string, at = 0): boolean =>
    Buffer.from(bytes.subarray(at, at + text.length)).toString('latin1') === text
  if (begins('\x1f\x8b\x08')) return compressed('a gzip file', '.gz')
  if (begins('\x28\xb5\x2f\xfd')) return compressed('a zstd file', '.zst')
  if (/^BZh[1-9]/.test(head(bytes)) && begins('1AY&SY', 4))
    return { name: 'a bzip2 file', advice: 'decompress it first' }
  if (begins('\xfd7zXZ\x00')) return { name: 'an xz file', advice: 'decompress it first' }
  if (begins("7z\xbc\xaf'\x1c")) return { name: 'a 7z archive', advice: 'extract it first' }
  if (begins('ustar', tarOffset)) return { name: 'a tar archive', advice: 'extract it first, or pack its files as zip' }
  if (begins('PK\x03\x04')) return zipKind(bytes)
  if (begins('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')) return { name: 'an Excel workbook (.xls)', advice: 'save it as CSV' }
  if (begins('%PDF-')) return { name: 'a PDF document', advice: 'extract its tables as CSV' }
  // A header may begin with these letters too.
  if (begins('PAR1') && (bytes[4] ?? 0x20) < 0x20 && !/^PAR1[\t\r\n]/.test(head(bytes)))
    return { name: 'a Parquet file', advice: 'read it with parquetFiles()' }
  return undefined
}

const head = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, 8)).toString('latin1')

const compressed = (name: string, ending: string): FileKind => ({
  name,
  advice: `let its name end in ${ending}, and it is decompressed`,
})

function zipKind(bytes: Uint8Array): FileKind {
  const names = Buffer.from(bytes.subarray(0, spreadsheetBytes)).toString('latin1')
  return /\[Content_Types\]\.xml|xl\//.test(names)
    ? { name: 'an Excel workbook (.xlsx)', advice: 'save its sheets as CSV' }
    : { name: 'a zip archive', advice: 'read it with zipMembers, and let its name end in .zip' }
}
