/** Leaves columns and row groups out of a footer, so that the engine looks for no byte that was not read. */
import { columnElements } from './columns.ts'
import type { ParquetFooter } from './footer.ts'
import { type ThriftField, ThriftReader, ThriftWriter, wire } from './thrift-compact.ts'

/** The columns of the table and the row groups that stay, by their index. */
export interface FooterChoice {
  readonly columns: ReadonlySet<number>
  readonly rowGroups: ReadonlySet<number>
}

/**
 * Returns the footer with the chosen columns and row groups. It names no Bloom filter, page index or sorting, and has no column
 * orders. Offsets stay as they are.
 */
export function projectFooter(
  bytes: Uint8Array,
  footer: Pick<ParquetFooter, 'elements' | 'rowGroups'>,
  choice: FooterChoice,
): Uint8Array {
  const { rowGroups } = footer
  const chosen = columnElements(footer).filter((_, index) => choice.columns.has(index))
  const kept = new Set([0, ...chosen.flatMap(({ at, elements: own }) => own.map((_, index) => at + index))])
  const leaves = new Set(chosen.flatMap(column => column.leaves))
  const rows = rowGroups.reduce((sum, { rowCount }, index) => sum + (choice.rowGroups.has(index) ? rowCount : 0), 0)
  const reader = new ThriftReader(bytes)
  const writer = new ThriftWriter()
  copyFields(reader, writer, ({ id }) => {
    if (id === 2) return () => copySchema(reader, writer, kept, chosen.length)
    if (id === 3) return () => replaceInt(reader, writer, rows)
    if (id === 4) return () => copyList(reader, writer, choice.rowGroups, () => rowGroupBytes(reader, leaves))
    return id !== columnOrders
  })
  return writer.done()
}

const columnOrders = 7

/** Copies the elements of the schema with these indexes; the first one is the root, which names how many columns there are. */
function copySchema(reader: ThriftReader, writer: ThriftWriter, kept: ReadonlySet<number>, columnCount: number): void {
  let index = 0
  copyList(reader, writer, kept, () => {
    const isRoot = index++ === 0
    return structBytes(reader, ({ id }, inner) =>
      isRoot && id === 5 ? () => replaceInt(reader, inner, columnCount) : true,
    )
  })
}

function rowGroupBytes(reader: ThriftReader, leaves: ReadonlySet<number>): Uint8Array {
  return structBytes(reader, ({ id }, inner) => {
    if (id === 1) return () => copyList(reader, inner, leaves, () => chunkBytes(reader))
    // Beside the columns only the bytes and the rows of the group.
    return id <= 3
  })
}

/** Drops file path, page index, and the Bloom filter in the metadata of the column. */
function chunkBytes(reader: ThriftReader): Uint8Array {
  return structBytes(reader, ({ id }, inner) => {
    if (id === 3) return () => void inner.raw(structBytes(reader, metadata => metadata.id !== 14 && metadata.id !== 15))
    return id === 2 || id >= 8
  })
}

/** True keeps a field, false drops it; a function reads its value and writes another. */
type Edit = (field: ThriftField, writer: ThriftWriter) => boolean | (() => void)

function copyFields(reader: ThriftReader, writer: ThriftWriter, edit: Edit): void {
  reader.fields(field => {
    const change = edit(field, writer)
    if (typeof change === 'function') {
      writer.field(field.id, field.type)
      change()
      return true
    }
    const start = reader.at
    reader.skip(field.type)
    if (change) writer.field(field.id, field.type).raw(reader.bytes.subarray(start, reader.at))
    return true
  })
  writer.stop()
}

function replaceInt(reader: ThriftReader, writer: ThriftWriter, value: number): void {
  reader.int()
  writer.int(value)
}

function structBytes(reader: ThriftReader, edit: Edit): Uint8Array {
  const writer = new ThriftWriter()
  copyFields(reader, writer, edit)
  return writer.done()
}

/** Copies a list of structures; those that are not kept are read and dropped. */
function copyList(reader: ThriftReader, writer: ThriftWriter, kept: ReadonlySet<number>, read: () => Uint8Array): void {
  const { count } = reader.listHead()
  const structs = Array.from({ length: count }, read).filter((_, index) => kept.has(index))
  writer.listHead(structs.length, wire.struct)
  for (const each of structs) writer.raw(each)
}
