/** Rewrites the footer of a Parquet file so that the engine returns values that queries can check, before it would drop or change any. */
import { Buffer } from 'node:buffer'
import { columnElements, isLeaf } from './columns.ts'
import { type ParquetFooter, physical, type SchemaElement } from './footer.ts'
import { ThriftWriter, wire } from './thrift-compact.ts'

/** How texts are read: `checked` leaves them to the engine, which fails at one that is not UTF-8; `raw` drops their annotations and reads bytes. */
export type ParquetReading = 'checked' | 'raw'

/**
 * Returns the footer with columns named `c0`, `c1`, … by position, and without annotations for which the engine would drop
 * digits or wrap around. Data and row groups stay unchanged. `kinds` are those of the leaves, in their order.
 */
export function rewriteFooter(
  bytes: Uint8Array,
  footer: Pick<ParquetFooter, 'elements' | 'schemaStart' | 'schemaEnd' | 'geoKeyAt'>,
  options: { readonly kinds: readonly string[]; readonly reading: ParquetReading },
): Uint8Array {
  const { elements, schemaStart, schemaEnd, geoKeyAt } = footer
  const writer = new ThriftWriter().listHead(elements.length, wire.struct)
  let [leaf, column] = [0, 0]
  const tops = new Set(columnElements(footer).map(({ at }) => at))
  for (const [index, element] of elements.entries()) {
    const kind = isLeaf(element) ? options.kinds[leaf++] : undefined
    const name = tops.has(index) ? `c${column++}` : element.name
    writeElement(writer, { ...element, name }, annotationOf(element, kind, options.reading))
  }
  const source = Buffer.from(bytes)
  // The engine refuses a file whose notes about geometries are not as it expects, such as those of ClickHouse.
  if (geoKeyAt !== undefined) source.write('no', geoKeyAt)
  return Buffer.concat([source.subarray(0, schemaStart), writer.done(), source.subarray(schemaEnd)])
}

type Annotation = 'keep' | 'drop' | 'int96'

function annotationOf({ type, logical }: SchemaElement, kind: string | undefined, reading: ParquetReading): Annotation {
  if (kind === 'int96' || type === physical.int96) return 'int96'
  // The engine keeps every digit of nanoseconds without zone.
  if (kind === 'timestamp' && logical?.unit === 3 && !logical.isUtc) return 'keep'
  if (kind === 'time' || kind === 'timestamp' || kind === 'geometry' || kind === 'wide') return 'drop'
  return reading === 'raw' && (kind === 'text' || kind === 'json') ? 'drop' : 'keep'
}

/** Digits of twelve bytes read as one number, which a query splits into day and nanoseconds. */
const int96Digits = 29

function writeElement(writer: ThriftWriter, element: SchemaElement, annotation: Annotation): void {
  const { type, typeLength, repetition, name, childCount, converted, scale, precision, logical } = element
  const isInt96 = annotation === 'int96'
  const int = (id: number, value: number | undefined): void => {
    if (value !== undefined) writer.field(id, wire.i32).int(value)
  }
  int(1, isInt96 ? physical.fixed : type)
  int(2, isInt96 ? 12 : typeLength)
  int(3, repetition)
  writer.field(4, wire.binary).binary(new TextEncoder().encode(name))
  if (type === undefined) int(5, childCount)
  if (isInt96) {
    int(6, 5)
    int(7, 0)
    int(8, int96Digits)
  } else if (annotation === 'keep') {
    int(6, converted)
    int(7, scale)
    int(8, precision)
    if (logical) writer.field(10, wire.struct).raw(logical.raw)
  }
  writer.stop()
}
