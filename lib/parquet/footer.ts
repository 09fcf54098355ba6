/** Reads the footer of a Parquet file: its schema with the annotations of columns, and its row groups. */
import { ThriftReader, wire } from './thrift-compact.ts'

/** Physical types. @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
export const physical = { boolean: 0, int32: 1, int64: 2, int96: 3, float: 4, double: 5, bytes: 6, fixed: 7 } as const

/** One element of the schema as the footer has it. */
export interface SchemaElement {
  readonly name: string
  /** Undefined for a group. */
  readonly type?: number
  readonly typeLength?: number
  readonly repetition?: number
  readonly childCount: number
  /** The annotation of older writers. */
  readonly converted?: number
  readonly scale?: number
  readonly precision?: number
  /** The annotation of newer writers. */
  readonly logical?: LogicalType
}

export interface LogicalType {
  /** Field of the union, which is the type. */
  readonly id: number
  /** The union's bytes in the footer. */
  readonly raw: Uint8Array
  readonly precision?: number
  readonly scale?: number
  readonly isUtc?: boolean
  /** 1 for milliseconds, 2 for microseconds, 3 for nanoseconds. */
  readonly unit?: number
}

/** One leaf column in a row group. */
export interface ColumnChunk {
  readonly codec: number
  readonly encodings: readonly number[]
  readonly valueCount: number
  readonly isEncrypted: boolean
  /** Offset of its first page, and the bytes of all pages with their headers. */
  readonly start: number
  readonly lengthBytes: number
  /** Absent where the writer made none. */
  readonly statistics?: ChunkStatistics | undefined
}

/** The statistics of a chunk. Bounds are values in plain encoding, of texts perhaps shortened ones, and absent where there are none. */
export interface ChunkStatistics {
  readonly nullCount?: number
  readonly min?: Uint8Array
  readonly max?: Uint8Array
}

export interface ParquetFooter {
  /** Depth first, beginning with the root. */
  readonly elements: readonly SchemaElement[]
  /** Offsets of the list of elements in the footer. */
  readonly schemaStart: number
  readonly schemaEnd: number
  readonly rowCount: number
  /** The program that wrote the file; absent where it does not say. */
  readonly createdBy?: string | undefined
  /** Offset in the footer of the key `geo`, whose value the engine would check although columns are read without it. */
  readonly geoKeyAt?: number | undefined
  readonly rowGroups: readonly { readonly rowCount: number; readonly columns: readonly ColumnChunk[] }[]
}

/** Reads a footer without the eight bytes that end the file. @throws ThriftError */
export function readFooter(bytes: Uint8Array): ParquetFooter {
  const reader = new ThriftReader(bytes)
  let [schemaStart, schemaEnd, rowCount] = [0, 0, 0]
  let elements: SchemaElement[] = []
  let rowGroups: ParquetFooter['rowGroups'] = []
  let createdBy: string | undefined
  let geoKeyAt: number | undefined
  reader.fields(({ id }) => {
    if (id === 2) {
      schemaStart = reader.at
      elements = listOf(reader, readElement)
      schemaEnd = reader.at
    } else if (id === 3) rowCount = reader.int()
    else if (id === 4) rowGroups = listOf(reader, readRowGroup)
    else if (id === 5) geoKeyAt = listOf(reader, readGeoKey).find(at => at !== undefined)
    else if (id === 6) createdBy = reader.text()
    else return false
    return true
  })
  return { elements, schemaStart, schemaEnd, rowCount, createdBy, geoKeyAt, rowGroups }
}

function listOf<T>(reader: ThriftReader, read: (reader: ThriftReader) => T): T[] {
  const { count } = reader.listHead()
  return Array.from({ length: count }, () => read(reader))
}

/** Reads a pair of the file's own notes; returns where its key stands if that is `geo`. */
function readGeoKey(reader: ThriftReader): number | undefined {
  let found: number | undefined
  reader.fields(({ id }) => {
    if (id !== 1) return false
    if (reader.text() === 'geo') found = reader.at - 'geo'.length
    return true
  })
  return found
}

function readElement(reader: ThriftReader): SchemaElement {
  const found: { -readonly [Key in keyof SchemaElement]: SchemaElement[Key] } = { name: '', childCount: 0 }
  reader.fields(({ id }) => {
    if (id === 1) found.type = reader.int()
    else if (id === 2) found.typeLength = reader.int()
    else if (id === 3) found.repetition = reader.int()
    else if (id === 4) found.name = reader.text()
    else if (id === 5) found.childCount = reader.int()
    else if (id === 6) found.converted = reader.int()
    else if (id === 7) found.scale = reader.int()
    else if (id === 8) found.precision = reader.int()
    else if (id === 10) found.logical = readLogical(reader)
    else return false
    return true
  })
  return found
}

/** Reads the fields of a logical type that decide how values are read. */
function readLogical(reader: ThriftReader): LogicalType {
  const start = reader.at
  const found: { -readonly [Key in keyof LogicalType]: LogicalType[Key] } = { id: 0, raw: reader.bytes }
  reader.fields(({ id, type }) => {
    found.id = id
    if (type !== wire.struct) return false
    reader.fields(inner => {
      if (id === 5 && inner.id === 1) found.scale = reader.int()
      else if (id === 5 && inner.id === 2) found.precision = reader.int()
      else if ((id === 7 || id === 8) && inner.id === 2) found.unit = firstField(reader)
      else {
        if ((id === 7 || id === 8) && inner.id === 1) found.isUtc = inner.type === wire.true
        return false
      }
      return true
    })
    return true
  })
  found.raw = reader.bytes.subarray(start, reader.at)
  return found
}

function firstField(reader: ThriftReader): number {
  let first = 0
  reader.fields(({ id }) => {
    first ||= id
    return false
  })
  return first
}

function readRowGroup(reader: ThriftReader): ParquetFooter['rowGroups'][number] {
  let rowCount = 0
  let columns: ColumnChunk[] = []
  reader.fields(({ id }) => {
    if (id === 1) columns = listOf(reader, readChunk)
    else if (id === 3) rowCount = reader.int()
    else return false
    return true
  })
  return { rowCount, columns }
}

function readChunk(reader: ThriftReader): ColumnChunk {
  const found = { codec: 0, encodings: [] as number[], valueCount: 0, isEncrypted: false, lengthBytes: 0 }
  let [dataStart, dictionaryStart] = [0, 0]
  let statistics: ChunkStatistics | undefined
  reader.fields(({ id }) => {
    if (id === 8) found.isEncrypted = true
    if (id !== 3) return false
    reader.fields(inner => {
      if (inner.id === 2) found.encodings = listOf(reader, each => each.int())
      else if (inner.id === 4) found.codec = reader.int()
      else if (inner.id === 5) found.valueCount = reader.int()
      else if (inner.id === 7) found.lengthBytes = reader.int()
      else if (inner.id === 9) dataStart = reader.int()
      else if (inner.id === 11) dictionaryStart = reader.int()
      else if (inner.id === 12) statistics = readStatistics(reader)
      else return false
      return true
    })
    return true
  })
  // Some writers set the offset 0 where there is no dictionary.
  const start = dictionaryStart > 0 ? Math.min(dictionaryStart, dataStart) : dataStart
  return { ...found, start, statistics }
}

/** Reads the bounds in the order that the schema defines; those of older writers (1 and 2) were compared as signed bytes. */
function readStatistics(reader: ThriftReader): ChunkStatistics {
  const found: { -readonly [Key in keyof ChunkStatistics]: ChunkStatistics[Key] } = {}
  reader.fields(({ id }) => {
    if (id === 3) found.nullCount = reader.int()
    else if (id === 5) found.max = reader.binary()
    else if (id === 6) found.min = reader.binary()
    else return false
    return true
  })
  return found
}

/** The header before the bytes of a page. */
export interface PageHeader {
  readonly headerBytes: number
  readonly pageBytes: number
  /** Checksum of its bytes as they are stored; absent where the writer made none. */
  readonly crc32?: number
  /** Values of a data page. */
  readonly valueCount: number
}

/** Reads the header that these bytes begin with. @throws ThriftError */
export function readPageHeader(bytes: Uint8Array): PageHeader {
  const reader = new ThriftReader(bytes)
  let [pageBytes, valueCount] = [0, 0]
  let crc: number | undefined
  reader.fields(({ id }) => {
    if (id === 3) pageBytes = reader.int()
    else if (id === 4) crc = reader.int()
    else if (id === 5 || id === 8) valueCount = firstNumber(reader)
    else return false
    return true
  })
  return { headerBytes: reader.at, pageBytes, valueCount, crc32: crc === undefined ? undefined : crc >>> 0 }
}

function firstNumber(reader: ThriftReader): number {
  let value = 0
  reader.fields(({ id }) => {
    if (id !== 1) return false
    value = reader.int()
    return true
  })
  return value
}
