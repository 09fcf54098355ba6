/** Prepares a staged Parquet file for the engine: checks its footer, and appends one with which the engine changes no value. */
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { chosenChunks } from './choose-chunks.ts'
import { columnsOf, isLeaf, ownColumnsOf, type ParquetColumn } from './columns.ts'
import { type ParquetFooter, readFooter } from './footer.ts'
import { damage, footerLength, magicBytes, notParquet, type Origin, tailBytes } from './footer-tail.ts'
import { foreignColumnsOf } from './in-place.ts'
import { pageFault } from './pages.ts'
import { type FooterChoice, projectFooter } from './project-footer.ts'
import { type ParquetReading, rewriteFooter } from './rewrite-footer.ts'
import { ThriftError } from './thrift-compact.ts'

/** Content of a prepared file. */
export interface ParquetContent {
  readonly columns: readonly ParquetColumn[]
  readonly rowCount: number
  /** Equal for files with the same columns that are read in the same way. */
  readonly schemaKey: string
  /** Names of all columns of the file, where some of them were not copied. */
  readonly names?: readonly string[]
  /** Set when the file has its own footer, and so its own names of columns. */
  readonly isAsWritten?: boolean
  /** Rows of the file that are read, end exclusive, where not all are; only with `isAsWritten`. */
  readonly rowRanges?: readonly { readonly start: number; readonly end: number }[] | undefined
  /** Numbers of rows that a copy lacks: from row `start` of the copy on, `skipped` rows of the file were left out before. */
  readonly gaps?: readonly { readonly start: number; readonly skipped: number }[] | undefined
}

/** How a copy is read: `own` for a file that Fanmill itself wrote, `named` for one whose columns keep their names. */
export type FileReading = ParquetReading | 'own' | 'named'

/**
 * Appends a rewritten footer to the file, which must be a copy of the input. Memory: twice the footer.
 * @throws INPUT_INVALID, naming the input, for a damaged file or one that is not Parquet
 */
export function prepareParquet(file: string, origin: Origin, reading: FileReading): ParquetContent {
  return withFile(file, 'r+', handle => prepareCopy(handle, openFooter(handle, origin), origin, reading))
}

/** A file that the engine opens as it is. */
export type FileInPlace = ParquetContent & { readonly footer: ParquetFooter; readonly footerBytes: number }

/** Describes a file that Fanmill itself wrote, which the engine opens as it is. @throws INPUT_INVALID */
export const describeFile = (file: string, origin: Origin): FileInPlace =>
  describeInPlace(file, origin, { columns: ownColumnsOf, reading: 'as written' })

/** Describes a file of others, for the engine to open as it is. @throws INPUT_INVALID */
export const describeForeignFile = (file: string, origin: Origin): FileInPlace =>
  describeInPlace(file, origin, { columns: foreignColumnsOf, reading: 'as others wrote' })

function describeInPlace(
  file: string,
  origin: Origin,
  { columns: list, reading }: { readonly columns: typeof columnsOf; readonly reading: string },
): FileInPlace {
  const { bytes, footer } = withFile(file, 'r', handle => openFooter(handle, origin))
  const columns = list(footer)
  const schemaKey = schemaKeyOf(bytes, footer, columns, reading)
  return { columns, rowCount: footer.rowCount, schemaKey, isAsWritten: true, footer, footerBytes: bytes.length }
}

/** Checks the pages of the chosen chunks. @throws INPUT_INVALID for a damaged file */
export function checkPages(
  file: string,
  { footer, choice }: Pick<SparseCopy, 'footer' | 'choice'>,
  origin: Origin,
): void {
  withFile(file, 'r', handle => refusePageFault(pageFault(handle, chosenChunks(footer, choice)), origin))
}

/** Opens a file while `use` reads or writes it. */
function withFile<T>(file: string, flags: 'r' | 'r+', use: (handle: number) => T): T {
  const handle = openSync(file, flags)
  try {
    return use(handle)
  } finally {
    closeSync(handle)
  }
}

function refusePageFault(fault: string | undefined, origin: Origin): void {
  if (fault !== undefined) throw notParquet(origin, `${fault}; ${damage}`)
}

/** A sparse copy: the chosen chunks of a file at their own offsets. */
export interface SparseCopy {
  readonly handle: number
  /** The footer of the file, and what of it was copied. */
  readonly bytes: Uint8Array
  readonly footer: ParquetFooter
  readonly choice: FooterChoice
}

/** Writes the beginning and the end of a sparse copy, so that the engine can open it. @throws INPUT_INVALID for a damaged file */
export function prepareSparse(
  { handle, bytes, footer, choice }: SparseCopy,
  origin: Origin,
  reading: FileReading,
): ParquetContent {
  const projected = projectFooter(bytes, footer, choice)
  writeSync(handle, Buffer.from('PAR1', 'latin1'), 0, magicBytes, 0)
  const names = columnsOf(footer).map(({ name }) => name)
  const opened = { bytes: projected, footer: parseFooter(projected, origin) }
  return { ...prepareCopy(handle, opened, origin, reading), names }
}

type OpenFooter = Pick<SparseCopy, 'bytes' | 'footer'>

function openFooter(handle: number, origin: Origin): OpenFooter {
  const bytes = readFooterBytes(handle, origin)
  return { bytes, footer: checkedFooter(bytes, origin) }
}

/** Reads a footer without the eight bytes that end the file, and checks its sums. @throws INPUT_INVALID */
export function checkedFooter(bytes: Uint8Array, origin: Origin): ParquetFooter {
  const footer = parseFooter(bytes, origin)
  checkRows(footer, origin)
  return footer
}

/** Checks the pages of a copy, and appends the footer with which the engine changes no value. */
function prepareCopy(
  handle: number,
  { bytes, footer }: OpenFooter,
  origin: Origin,
  reading: FileReading,
): ParquetContent {
  const chunks = footer.rowGroups.flatMap(group => group.columns)
  refusePageFault(pageFault(handle, chunks), origin)
  const isOwn = reading === 'own' || reading === 'named'
  const columns = isOwn ? ownColumnsOf(footer) : columnsOf(footer)
  const kinds = columns.flatMap(column => column.leaves.map(leaf => leaf.kind))
  const end =
    reading === 'named' ? bytes : rewriteFooter(bytes, footer, { kinds, reading: isOwn ? 'checked' : reading })
  appendFooter(handle, end)
  const isAsWritten = reading === 'named' ? true : undefined
  return { columns, rowCount: footer.rowCount, schemaKey: schemaKeyOf(bytes, footer, columns, reading), isAsWritten }
}

function schemaKeyOf(
  bytes: Uint8Array,
  { schemaStart, schemaEnd }: ParquetFooter,
  columns: readonly ParquetColumn[],
  reading: string,
): string {
  const hash = createHash('sha1').update(reading).update(bytes.subarray(schemaStart, schemaEnd))
  for (const { refused, leaves } of columns)
    hash.update(`${refused ?? ''}\0${leaves.map(({ isInRange = false }) => isInRange)}\0`)
  return hash.digest('hex')
}

/** As `prepareParquet`, for the file of a broadcast table. */
export const prepareTable = (file: string, table: string): ParquetContent =>
  prepareParquet(file, { archive: `table ${table}`, member: '', table }, 'raw')

function readFooterBytes(handle: number, origin: Origin): Uint8Array {
  const sizeBytes = fstatSync(handle).size
  if (sizeBytes < magicBytes + tailBytes) throw notParquet(origin, `got only ${sizeBytes} bytes`)
  // A file whose footer is encrypted begins with PARE, and is refused by its end.
  if (!['PAR1', 'PARE'].includes(readAt(handle, 0, magicBytes).toString('latin1')))
    throw notParquet(origin, 'got a file that does not begin with PAR1')
  const lengthBytes = footerLength(readAt(handle, sizeBytes - tailBytes, tailBytes), sizeBytes, origin)
  return readAt(handle, sizeBytes - tailBytes - lengthBytes, lengthBytes)
}

function readAt(handle: number, position: number, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes)
  for (let at = 0; at < lengthBytes; ) {
    const read = readSync(handle, bytes, at, lengthBytes - at, position + at)
    if (read === 0) break
    at += read
  }
  return bytes
}

function parseFooter(bytes: Uint8Array, origin: Origin): ParquetFooter {
  try {
    return readFooter(bytes)
  } catch (error) {
    if (!(error instanceof ThriftError)) throw error
    throw notParquet(origin, `got a footer that is damaged (${error.message}); get it again`, error)
  }
}

function checkRows({ elements, rowCount, rowGroups }: ParquetFooter, origin: Origin): void {
  if (elements.length < 2) throw notParquet(origin, 'got a footer without columns')
  const leafCount = elements.filter(isLeaf).length
  const wrong = rowGroups.find(group => group.columns.length !== leafCount)
  if (wrong)
    throw notParquet(
      origin,
      `got a footer of ${leafCount} columns with a row group of ${wrong.columns.length}; ${damage}`,
    )
  const inGroups = rowGroups.reduce((sum, group) => sum + group.rowCount, 0)
  if (inGroups !== rowCount)
    throw notParquet(origin, `got a footer of ${rowCount} rows, whose row groups have ${inGroups}; ${damage}`)
}

function appendFooter(handle: number, footer: Uint8Array): void {
  const tail = Buffer.alloc(tailBytes)
  tail.writeUInt32LE(footer.length)
  tail.write('PAR1', magicBytes, 'latin1')
  const whole = Buffer.concat([footer, tail])
  const start = fstatSync(handle).size
  for (let at = 0; at < whole.length; ) at += writeSync(handle, whole, at, whole.length - at, start + at)
}
