/** Lists the columns of a Parquet file with the kinds of their leaves, and why a column cannot be read. */
import { type ColumnChunk, type ParquetFooter, physical, type SchemaElement } from './footer.ts'

/**
 * The kind of a leaf's values. `native`: the engine reads them as they are meant. `own`: the engine itself wrote them. `wide`: a decimal of more digits than the engine has.
 * The others are read as plain numbers or bytes, and queries convert them and notice what does not fit.
 */
export type LeafKind =
  | 'native'
  | 'own'
  | 'text'
  | 'json'
  | 'binary'
  | 'geometry'
  | 'time'
  | 'timestamp'
  | 'int96'
  | 'wide'

export interface ParquetLeaf {
  readonly kind: LeafKind
  /** Unit of times: 1 for milliseconds, 2 for microseconds, 3 for nanoseconds. */
  readonly unit?: number
  readonly isUtc?: boolean
  /** Set where the statistics of the file show that all values are in the engine's range. */
  readonly isInRange?: boolean
}

/** A column of the table, which is one leaf, or a list, map or structure of several. */
export interface ParquetColumn {
  readonly name: string
  readonly leaves: readonly ParquetLeaf[]
  /** Why it cannot be read, as a message to put after the file and the column. */
  readonly refused?: string
}

/** A column of the table in the schema. */
export interface ColumnElements {
  readonly name: string
  /** Its elements, itself first, and the index of that one in the schema. */
  readonly elements: readonly SchemaElement[]
  readonly at: number
  /** The indexes of its leaves among all of the schema. */
  readonly leaves: readonly number[]
}

/** Returns the elements of each column, in the order of the file. */
export function columnElements({ elements: all }: Pick<ParquetFooter, 'elements'>): readonly ColumnElements[] {
  const columns: ColumnElements[] = []
  let [at, leaf] = [1, 0]
  while (at < all.length) {
    const elements = all.slice(at, endOf(all, at))
    const leaves = elements.filter(isLeaf).map(() => leaf++)
    columns.push({ name: elements[0]?.name ?? '', elements, at, leaves })
    at += elements.length
  }
  return columns
}

/** Returns the index after an element and all that it contains. */
function endOf(elements: readonly SchemaElement[], start: number): number {
  let open = 1
  let at = start
  for (; open > 0 && at < elements.length; at++) open += (elements[at]?.childCount ?? 0) - 1
  return at
}

export const isLeaf = ({ type }: SchemaElement): boolean => type !== undefined

/** Returns the columns of one value a row, which are one leaf: without lists, maps and structures. */
export function flatColumns(footer: ParquetFooter) {
  return columnElements(footer).flatMap(({ elements: [element, ...others], leaves: [leaf] }) => {
    const isFlat = element && leaf !== undefined && others.length === 0 && element.repetition !== repeated
    return isFlat ? [{ element, leaf }] : []
  })
}

const repeated = 2

/** A leaf's chunk in a row group. */
export interface LeafChunk extends ColumnChunk {
  readonly rowCount: number
}

/** Returns the chunks of a leaf in the row groups. */
export const chunksOf = ({ rowGroups }: ParquetFooter, leaf: number): readonly LeafChunk[] =>
  rowGroups.flatMap(({ rowCount, columns: { [leaf]: chunk } }) => (chunk ? [{ ...chunk, rowCount }] : []))

/** Returns the columns in the order of the file; names may be equal. */
export function columnsOf(footer: ParquetFooter): readonly ParquetColumn[] {
  return columnElements(footer).map(({ name, elements, leaves: indexes }) => {
    const leaves = elements.filter(isLeaf)
    const chunks = leaves.flatMap((element, at) =>
      chunksOf(footer, indexes[at] as number).map(chunk => ({ ...chunk, element })),
    )
    return { name, leaves: leaves.map(leafOf), refused: refusalOf(elements, leaves, chunks) }
  })
}

/** Returns the columns of a file that the engine itself wrote, whose values it reads as they were. */
export const ownColumnsOf = (footer: ParquetFooter): readonly ParquetColumn[] =>
  columnsOf(footer).map(column => ({ ...column, leaves: column.leaves.map(ownLeaf) }))

const ownLeaf = ({ kind }: ParquetLeaf): ParquetLeaf => ({
  kind: kind === 'text' || kind === 'json' || kind === 'binary' ? kind : 'own',
})

interface Chunk extends LeafChunk {
  readonly element: SchemaElement
}

const decimalDigitsMax = 38
const [logicalEnum, logicalString, logicalDecimal, logicalTime, logicalTimestamp] = [4, 1, 5, 7, 8]
const [logicalJson, logicalVariant, logicalGeometry, logicalGeography] = [12, 16, 17, 18]
const convertedTimes: Readonly<Record<number, ParquetLeaf>> = {
  7: { kind: 'time', unit: 1 },
  8: { kind: 'time', unit: 2 },
  9: { kind: 'timestamp', unit: 1 },
  10: { kind: 'timestamp', unit: 2 },
}

function leafOf(element: SchemaElement): ParquetLeaf {
  const { type, logical, converted } = element
  if (type === physical.int96) return { kind: 'int96' }
  if ((logical?.id === logicalDecimal || converted === 5) && digitsOf(element) > decimalDigitsMax)
    return { kind: 'wide' }
  if (type === physical.bytes || type === physical.fixed) return { kind: bytesKind(element) }
  if (logical?.id === logicalTime || logical?.id === logicalTimestamp) {
    const { unit = 0, isUtc = false } = logical
    return { kind: logical.id === logicalTime ? 'time' : 'timestamp', unit, isUtc }
  }
  return (!logical && convertedTimes[converted ?? -1]) || { kind: 'native' }
}

const digitsOf = ({ logical, precision = 0 }: SchemaElement): number => logical?.precision ?? precision

function bytesKind({ type, logical, converted }: SchemaElement): LeafKind {
  const id = logical?.id
  if (id === logicalGeometry || id === logicalGeography) return 'geometry'
  if (id === logicalJson || (!logical && converted === 19)) return 'json'
  const isText = id === logicalString || id === logicalEnum || (!logical && (converted === 0 || converted === 4))
  if (isText && type === physical.bytes) return 'text'
  // BSON is read as bytes.
  return !logical && (converted === undefined || converted === 20) ? 'binary' : 'native'
}

function refusalOf(
  own: readonly SchemaElement[],
  leaves: readonly SchemaElement[],
  chunks: readonly Chunk[],
): string | undefined {
  const wide = leaves.find(leaf => leafOf(leaf).kind === 'wide')
  if (wide)
    return `expected a decimal of at most ${decimalDigitsMax} digits, got one of ${digitsOf(wide)}; write it with fewer digits, or as a string`
  const unknown = own.find(({ logical }) => logical && logical.id > logicalGeography)
  if (unknown)
    return `expected a type that Fanmill knows, got logical type ${unknown.logical?.id}; write it as another type`
  const variant = own.find(({ logical }) => logical?.id === logicalVariant)
  if (variant) return 'expected a column of one type, got a VARIANT; write it as JSON text'
  const twice = repeatedName(own)
  if (twice !== undefined) return `expected fields of different names, got ${twice} twice; rename one`
  const isRepeated = own.some(({ repetition }) => repetition === repeated)
  return chunks.map(chunk => chunkRefusal(chunk, isRepeated)).find(each => each !== undefined)
}

/** Finds a name that one structure has twice. */
function repeatedName(own: readonly SchemaElement[]): string | undefined {
  const open: { left: number; readonly names: Set<string> }[] = []
  for (const { name, childCount } of own) {
    while (open.at(-1)?.left === 0) open.pop()
    const parent = open.at(-1)
    if (parent) {
      if (parent.names.has(name)) return name
      parent.names.add(name)
      parent.left--
    }
    if (childCount > 0) open.push({ left: childCount, names: new Set() })
  }
  return undefined
}

const codecs = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW']
const readableCodecs = [0, 1, 2, 4, 6, 7]

function chunkRefusal(chunk: Chunk, isRepeated: boolean): string | undefined {
  const { codec, encodings, isEncrypted, element, rowCount, valueCount } = chunk
  if (isEncrypted) return 'expected a column that is not encrypted; decrypt it first'
  if (!readableCodecs.includes(codec)) {
    const what = codec === 5 ? "LZ4 in Hadoop's framing" : (codecs[codec] ?? `codec ${codec}`)
    return `expected compression by ${readableCodecs.map(id => codecs[id]).join(', ')}, got ${what}; write it with another codec`
  }
  const isFloat = element.type === physical.float || element.type === physical.double
  if (encodings.includes(byteStreamSplit) && !isFloat)
    return 'expected BYTE_STREAM_SPLIT for floats alone, got it for other values; write it with another encoding'
  if (!isRepeated && valueCount !== rowCount)
    return `expected ${rowCount} values as its row group has rows, got ${valueCount}; the file is damaged, get it again`
  return undefined
}

const byteStreamSplit = 9
