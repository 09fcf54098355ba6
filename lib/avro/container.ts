/** Reads Avro object container files: the schema, and blocks of records. */
import { Buffer } from 'node:buffer'
import { invalidInput } from '../errors/invalid-input.ts'
import type { ChunkBytes } from '../inflate/chunk-bytes.ts'
import { BlockBytes, longBytesMax } from './block-bytes.ts'
import { blockBytesMax, blockInflater } from './block-codecs.ts'
import { type AvroRecord, readSchema } from './schema.ts'

export interface AvroHeader {
  readonly schema: AvroRecord
  readonly codec: string
  /** Follows each block. */
  readonly marker: Buffer
}

export interface AvroBlock {
  readonly records: number
  readonly bytes: BlockBytes
}

const magic = 'Obj\u0001'
const markerBytes = 16
/** Bytes of the largest schema, together with the other texts of the header. */
const metadataBytesMax = 16 * 1024 * 1024

/** Reads the header. @throws INPUT_INVALID for a file of another kind, and for one that is damaged or cut short */
export async function readAvroHeader(file: ChunkBytes): Promise<AvroHeader> {
  const start = (await file.take(magic.length)).toString('latin1')
  if (start !== magic) throw invalidInput('an Avro object container file', 'one that begins with other bytes')
  const metadata = await readMetadata(file)
  const schema = metadata.get('avro.schema')
  if (schema === undefined) throw invalidInput('a header with avro.schema', 'one without it')
  const codec = metadata.get('avro.codec') ?? 'null'
  return { schema: readSchema(schema), codec, marker: await takeAll(file, markerBytes, 'the marker of the header') }
}

/** Yields the blocks. Memory: one block. @throws INPUT_INVALID with its offset for one that is damaged or cut short */
export async function* readAvroBlocks(file: ChunkBytes, { codec, marker }: AvroHeader): AsyncGenerator<AvroBlock> {
  const inflate = blockInflater(codec)
  for (;;) {
    const offset = file.offset
    const records = await takeLong(file, true)
    if (records === undefined) return
    const size = (await takeLong(file)) as number
    const place = `the block at offset ${offset}`
    if (size < 0 || size > blockBytesMax || records < 0)
      throw invalidInput(`${place} to have at most ${blockBytesMax} bytes`, `${size} with ${records} records`, {
        offset,
      })
    const stored = await takeAll(file, size, place)
    const end = await takeAll(file, markerBytes, place)
    if (!end.equals(marker))
      throw invalidInput(`the marker of the file after ${place}`, 'other bytes; the file is damaged', { offset })
    const bytes = new BlockBytes(await inflate(stored))
    // A record without bytes has only nulls. A count of them is no proof of rows.
    if (records > bytes.left) throw invalidInput(`records in ${place}`, `${records} in ${bytes.left} bytes`, { offset })
    yield { records, bytes }
  }
}

async function readMetadata(file: ChunkBytes): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  let sum = 0
  for (let count = await takeLong(file); count !== 0; count = await takeLong(file)) {
    if (count === undefined || Math.abs(count) > metadataBytesMax) throw cutShort('the header')
    if (count < 0) await takeLong(file)
    for (let index = 0; index < Math.abs(count); index++) {
      const key = await takeText(file)
      const text = await takeText(file)
      sum += key.length + text.length
      if (sum > metadataBytesMax) throw invalidInput(`a header of at most ${metadataBytesMax} bytes`, 'a longer one')
      if (key === 'avro.schema' || key === 'avro.codec') found.set(key, text)
    }
  }
  return found
}

async function takeText(file: ChunkBytes): Promise<string> {
  const size = await takeLong(file)
  if (size === undefined || size < 0 || size > metadataBytesMax)
    throw invalidInput('a header of an Avro file', `a text of ${size} bytes; the file is damaged`)
  return (await takeAll(file, size, 'the header')).toString('utf8')
}

async function takeAll(file: ChunkBytes, length: number, part: string): Promise<Buffer> {
  const bytes = await file.take(length)
  if (bytes.length < length) throw cutShort(part)
  return bytes
}

const cutShort = (part: string): Error => invalidInput(`all of ${part}`, 'the end of the file; it is cut short')

/** Reads an integer byte by byte; undefined at the end of the file, where that `mayEnd`. */
async function takeLong(file: ChunkBytes, mayEnd = false): Promise<number | undefined> {
  const bytes: number[] = []
  do {
    const [byte] = await file.take(1)
    if (byte === undefined && mayEnd && bytes.length === 0) return undefined
    if (byte === undefined) throw cutShort('an integer')
    bytes.push(byte)
  } while ((bytes.at(-1) as number) >= 128 && bytes.length < longBytesMax)
  return new BlockBytes(Buffer.from(bytes)).size()
}
