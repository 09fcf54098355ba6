/** Infers the columns of Avro files from their schema. */
import { readAvroHeader } from '../avro/container.ts'
import type { AvroType } from '../avro/schema.ts'
import { avro, avroText } from '../define/formats/avro-format.ts'
import { ChunkBytes } from '../inflate/chunk-bytes.ts'
import { withPlace } from '../model/member-place.ts'
import type { InferredColumn } from './columns-source.ts'
import type { InferredText } from './sample/found-text.ts'
import { rewrittenText } from './sample/rewrite.ts'
import type { SampleText } from './sample/sample.ts'
import { type InferTextOptions, inferText } from './text.ts'

/** The schema of the first file decides; the records of all are read by it. @throws INPUT_INVALID; and as `inferText` */
export async function inferAvro(
  texts: readonly SampleText[],
  options: Omit<InferTextOptions, 'named' | 'format' | 'given'>,
): Promise<InferredText> {
  const given = Object.fromEntries((await fieldsOf(texts[0])).map(({ name, type }) => [name, columnOf(type)]))
  const rewritten = texts.map(text => rewrittenText(text, { format: avro() }))
  const found = await inferText(rewritten, { ...options, named: 'csv', format: avroText, given })
  return { ...found, format: avro() }
}

async function fieldsOf(text: SampleText | undefined) {
  if (!text) return []
  const file = new ChunkBytes(text.open())
  try {
    return (await readAvroHeader(file)).schema.fields
  } catch (error) {
    throw withPlace(error, { archive: text.name, member: '' })
  } finally {
    await file.close()
  }
}

const kinds: Readonly<Partial<Record<AvroType['kind'], InferredColumn>>> = {
  null: { type: 'string' },
  boolean: { type: 'boolean' },
  int: { type: 'int32' },
  long: { type: 'int64' },
  float: { type: 'float32' },
  double: { type: 'float64' },
  string: { type: 'string' },
  enum: { type: 'string' },
  bytes: { type: 'string', note: 'bytes, as base64' },
  fixed: { type: 'string', note: 'bytes, as base64' },
}

const nanoseconds = 'the nanoseconds below a microsecond make rejects, unless strict: false'

const meanings: Readonly<Record<string, InferredColumn>> = {
  date: { type: 'date' },
  'time-millis': { type: 'time' },
  'time-micros': { type: 'time' },
  'timestamp-millis': { type: 'timestamptz' },
  'timestamp-micros': { type: 'timestamptz' },
  'timestamp-nanos': { type: 'timestamptz', note: nanoseconds },
  'local-timestamp-millis': { type: 'timestamp' },
  'local-timestamp-micros': { type: 'timestamp' },
  'local-timestamp-nanos': { type: 'timestamp', note: nanoseconds },
  uuid: { type: 'string' },
}

function columnOf(type: AvroType): InferredColumn {
  if (type.kind === 'union') return unionColumn(type.branches.filter(({ kind }) => kind !== 'null'))
  if (type.kind === 'array') {
    const items = columnOf(type.items)
    return items.type === 'json' ? items : { type: 'list', items }
  }
  if ('logical' in type && type.logical === 'decimal') {
    const { precision = 0, scale = 0 } = type
    return precision > 38 || precision === 0 ? { type: 'string' } : { type: 'decimal', precision, scale }
  }
  const meaning = 'logical' in type && type.logical !== undefined ? meanings[type.logical] : undefined
  return meaning ?? kinds[type.kind] ?? { type: 'json' }
}

function unionColumn(branches: readonly AvroType[]): InferredColumn {
  const [only = { kind: 'null' } as const] = branches
  if (branches.length < 2) return columnOf(only)
  const isNested = branches.some(({ kind }) => kind === 'record' || kind === 'map' || kind === 'array')
  return {
    type: 'string',
    note: isNested ? 'values of several types; those in others as JSON' : 'values of several types',
  }
}
