/** Recognises files that are not text by their first bytes, so that a message can name what was found. */
import type { Format } from '../define/definition.ts'
import { compressions } from '../inflate/compression.ts'

/** Formats whose files are not text. */
export type BinaryFormat = Extract<Format['kind'], 'avro' | 'parquet' | 'xlsx'>

interface FileKind {
  readonly name: string
  readonly advice: string
  /** The format that reads such files, where Fanmill has one. */
  readonly format?: BinaryFormat
  matches(bytes: Uint8Array): boolean
}

const beginsWith =
  (...expected: readonly (number | undefined)[]) =>
  (bytes: Uint8Array): boolean =>
    expected.every((byte, at) => byte === undefined || bytes[at] === byte)

const textAt = (bytes: Uint8Array, at: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', at, end)

/** Whether a byte is a control character that no text has. */
const isBinary = (byte: number): boolean => byte < 32 && ![9, 10, 12, 13].includes(byte)

/** A text may begin with these letters as well; in a binary file a byte follows that text does not have. */
const wordThenBinary =
  (word: string) =>
  (bytes: Uint8Array): boolean =>
    textAt(bytes, 0, word.length) === word && isBinary(bytes[word.length] ?? 32)

/** Does the same where the next byte may be of a text, but one of those after it is not. */
const wordInBinary =
  (word: string) =>
  (bytes: Uint8Array): boolean =>
    textAt(bytes, 0, word.length) === word && bytes.subarray(word.length, 64).some(isBinary)

/** Bytes of a zip that are searched for the names with which a workbook begins. */
const workbookBytes = 4096

const zip = beginsWith(0x50, 0x4b, 0x03, 0x04)
const isWorkbook = (bytes: Uint8Array): boolean =>
  zip(bytes) && /\[Content_Types\]\.xml|xl\/|_rels\/\.rels/.test(textAt(bytes, 0, workbookBytes))

const toParquet = 'convert it to Parquet first, for example with pyarrow'

const kinds: readonly FileKind[] = [
  {
    name: 'a tar archive',
    advice: 'read it with zipMembers(), and let its name end in .tar, .tar.gz, .tar.zst and so on',
    matches: bytes => textAt(bytes, 257, 262) === 'ustar',
  },
  ...compressions.map(({ name, ending, signature }) => ({
    name: `${name} data`,
    advice: `let its name end in ${ending}, which is inflated`,
    matches: beginsWith(...signature),
  })),
  { name: '7z data', advice: 'unpack it first', matches: beginsWith(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c) },
  { name: 'an Excel workbook (xlsx)', advice: 'set format: xlsx()', format: 'xlsx', matches: isWorkbook },
  {
    name: 'an Excel workbook (xls), or one with a password',
    advice: 'save it as .xlsx without a password first',
    matches: beginsWith(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1),
  },
  {
    name: 'a zip archive',
    advice: 'read it with zipMembers(), with nested: true where it is in an archive, or unpack it first',
    matches: zip,
  },
  { name: 'an Avro file', advice: 'set format: avro()', format: 'avro', matches: wordThenBinary('Obj') },
  {
    name: 'an ORC file',
    advice: `no kept library reads ORC here: ${toParquet}`,
    matches: wordInBinary('ORC'),
  },
  { name: 'an Arrow file (Feather)', advice: toParquet, matches: wordThenBinary('ARROW1') },
  { name: 'an old Feather file', advice: toParquet, matches: wordThenBinary('FEA1') },
  {
    name: 'an SQLite database',
    advice: 'export its table first',
    matches: bytes => textAt(bytes, 0, 16) === 'SQLite format 3\0',
  },
  { name: 'a PDF document', advice: 'extract its table first', matches: bytes => textAt(bytes, 0, 5) === '%PDF-' },
  { name: 'a Parquet file', advice: 'set format: parquetFiles()', format: 'parquet', matches: wordThenBinary('PAR1') },
]

/** Returns the kind of a file that is not text; undefined for text and for files of unknown kinds. */
export const fileKindOf = (bytes: Uint8Array): FileKind | undefined => kinds.find(kind => kind.matches(bytes))
