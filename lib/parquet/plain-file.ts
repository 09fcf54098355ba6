/**
 * Writes Parquet files for the engine alone: one plain page a chunk, without compression and statistics.
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import { Buffer } from 'node:buffer'
import { physical } from './footer.ts'
import { ThriftWriter, wire } from './thrift-compact.ts'

/** A column as the schema has it. */
export interface PlainColumn {
  readonly name: string
  readonly type: keyof typeof columnTypes
  /** Digits of a decimal. */
  readonly precision?: number | undefined
  readonly scale?: number | undefined
}

/** The values of a column in a row group. */
export interface PlainChunk {
  /** Those that are not null, in plain encoding; but a boolean is a byte. */
  readonly values: Uint8Array
  /** For each row 1, or 0 for null; undefined where no row has null. */
  readonly present: Uint8Array | undefined
}

/** Physical types, and the numbers of converted types. */
const columnTypes = {
  text: { type: physical.bytes, converted: 0 },
  int32: { type: physical.int32, converted: undefined },
  int64: { type: physical.int64, converted: undefined },
  decimal: { type: physical.int64, converted: 5 },
  float32: { type: physical.float, converted: undefined },
  float64: { type: physical.double, converted: undefined },
  boolean: { type: physical.boolean, converted: undefined },
  date: { type: physical.int32, converted: 6 },
  time: { type: physical.int64, converted: 8 },
  timestamp: { type: physical.int64, converted: 10 },
} as const

const encodings = { plain: 0, rle: 3 } as const
const optional = 1
const magic = Buffer.from('PAR1')

interface WrittenChunk {
  readonly rows: number
  readonly start: number
  readonly bytes: number
}

/** The bytes are passed to `write`, of a file that begins with them. */
export class PlainFile {
  /** Bytes that were written. */
  bytes = 0
  readonly #columns: readonly PlainColumn[]
  readonly #write: (piece: Uint8Array) => void
  readonly #rowGroups: (readonly WrittenChunk[])[] = []

  constructor(columns: readonly PlainColumn[], write: (piece: Uint8Array) => void) {
    this.#columns = columns
    this.#write = write
  }

  /** Writes a row group; the chunks are in the order of the columns. */
  writeRows(rows: number, chunks: readonly PlainChunk[]): void {
    if (this.bytes === 0) this.#append(magic)
    const written = this.#columns.map(({ type }, index) => {
      const { values, present } = chunks[index] as PlainChunk
      const levels = definitionLevels(rows, present)
      const stored = type === 'boolean' ? packBits(values) : values
      const start = this.bytes
      this.#append(pageHeader(rows, 4 + levels.length + stored.length))
      this.#append(lengthOf(levels))
      this.#append(levels)
      this.#append(stored)
      return { rows, start, bytes: this.bytes - start }
    })
    this.#rowGroups.push(written)
  }

  get rowGroupCount(): number {
    return this.#rowGroups.length
  }

  /** Forgets all but the first row groups, which have so many bytes; the caller cuts the file. */
  cutTo({ rowGroupCount, bytes }: Pick<PlainFile, 'rowGroupCount' | 'bytes'>): void {
    this.#rowGroups.length = rowGroupCount
    this.bytes = bytes
  }

  /** Writes the footer. */
  finish(): void {
    const footer = fileMetadata(this.#columns, this.#rowGroups)
    this.#append(footer)
    this.#append(lengthOf(footer))
    this.#append(magic)
  }

  #append(piece: Uint8Array): void {
    this.#write(piece)
    this.bytes += piece.length
  }
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return length
}

/** Returns the levels in the hybrid of runs and packed bits: one run of ones, or a bit a row. */
function definitionLevels(rows: number, present: Uint8Array | undefined): Uint8Array {
  const levels = new ThriftWriter()
  if (!present)
    return levels
      .varint(rows * 2)
      .raw(Uint8Array.of(1))
      .done()
  const bits = packBits(present)
  return levels
    .varint(bits.length * 2 + 1)
    .raw(bits)
    .done()
}

/** Packs bytes of 0 and 1, the first into the lowest bit. */
function packBits(bytes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(bytes.length / 8))
  for (let at = 0; at < bytes.length; at++)
    packed[at >> 3] = (packed[at >> 3] as number) | ((bytes[at] as number) << (at & 7))
  return packed
}

const dataPage = 0

function pageHeader(rows: number, bytes: number): Uint8Array {
  const page = new ThriftWriter()
  page.field(1, wire.i32).int(rows).field(2, wire.i32).int(encodings.plain)
  page.field(3, wire.i32).int(encodings.rle).field(4, wire.i32).int(encodings.rle).stop()
  const header = new ThriftWriter()
  header.field(1, wire.i32).int(dataPage).field(2, wire.i32).int(bytes).field(3, wire.i32).int(bytes)
  return header.field(5, wire.struct).raw(page.done()).stop().done()
}

function fileMetadata(columns: readonly PlainColumn[], rowGroups: readonly (readonly WrittenChunk[])[]): Uint8Array {
  const rows = rowGroups.reduce((sum, [first]) => sum + (first?.rows ?? 0), 0)
  const file = new ThriftWriter().field(1, wire.i32).int(1)
  file
    .field(2, wire.list)
    .listHead(columns.length + 1, wire.struct)
    .raw(rootElement(columns.length))
  for (const column of columns) file.raw(columnElement(column))
  file.field(3, wire.i64).int(rows).field(4, wire.list).listHead(rowGroups.length, wire.struct)
  for (const chunks of rowGroups) file.raw(rowGroup(columns, chunks))
  return file.stop().done()
}

const rootElement = (childCount: number): Uint8Array =>
  new ThriftWriter().field(4, wire.binary).binary(Buffer.from('rows')).field(5, wire.i32).int(childCount).stop().done()

function columnElement({ name, type, precision, scale }: PlainColumn): Uint8Array {
  const { type: physicalType, converted } = columnTypes[type]
  const element = new ThriftWriter().field(1, wire.i32).int(physicalType).field(3, wire.i32).int(optional)
  element.field(4, wire.binary).binary(Buffer.from(name))
  if (converted !== undefined) element.field(6, wire.i32).int(converted)
  if (type === 'decimal')
    element
      .field(7, wire.i32)
      .int(scale ?? 0)
      .field(8, wire.i32)
      .int(precision ?? 0)
  return element.stop().done()
}

function rowGroup(columns: readonly PlainColumn[], chunks: readonly WrittenChunk[]): Uint8Array {
  const group = new ThriftWriter().field(1, wire.list).listHead(chunks.length, wire.struct)
  for (const [index, chunk] of chunks.entries()) group.raw(columnChunk(columns[index] as PlainColumn, chunk))
  group.field(2, wire.i64).int(chunks.reduce((sum, { bytes }) => sum + bytes, 0))
  return group
    .field(3, wire.i64)
    .int(chunks[0]?.rows ?? 0)
    .stop()
    .done()
}

function columnChunk({ name, type }: PlainColumn, { rows, start, bytes }: WrittenChunk): Uint8Array {
  const data = new ThriftWriter().field(1, wire.i32).int(columnTypes[type].type)
  data.field(2, wire.list).listHead(2, wire.i32).int(encodings.plain).int(encodings.rle)
  data.field(3, wire.list).listHead(1, wire.binary).binary(Buffer.from(name)).field(4, wire.i32).int(uncompressed)
  data.field(5, wire.i64).int(rows).field(6, wire.i64).int(bytes).field(7, wire.i64).int(bytes)
  data.field(9, wire.i64).int(start).stop()
  return new ThriftWriter().field(2, wire.i64).int(start).field(3, wire.struct).raw(data.done()).stop().done()
}

const uncompressed = 0
