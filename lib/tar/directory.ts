/** Lists the members of a tar archive, which has no directory: reads the headers of a plain one, and inflates a compressed one once. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { ZipLimits } from '../define/definition.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { PermanentError } from '../errors/errors.ts'
import { ChunkBytes } from '../inflate/chunk-bytes.ts'
import type { Compression } from '../inflate/compression.ts'
import { inflateBytes } from '../inflate/file.ts'
import type { Reader, StoredObject } from '../store/store.ts'
import { EntryTable } from '../zip/entry-table.ts'
import { archiveFault } from '../zip/limits.ts'
import { memberPath } from '../zip/names.ts'
import { type TarEntry, tarEntries } from './entries.ts'
import { blockBytes } from './header.ts'
import { rangeBytes, type TarBytes } from './tar-bytes.ts'
import { tarName } from './tar-name.ts'

export interface TarDirectoryOptions {
  readonly limits: ZipLimits
  readonly signal?: AbortSignal | undefined
}

/** Entries for which there is room at first; the room doubles when it is full. */
const entriesExpected = 1024

/**
 * Reads the whole archive up to its end, so that an archive that is damaged or cut short is refused before any row is read.
 * Memory: 4 MiB and the table.
 * @throws TAR_DAMAGED; INPUT_INVALID for damaged compressed data; ZIP_LIMIT
 */
export async function readTarDirectory(
  store: Pick<Reader, 'read' | 'stream'>,
  object: StoredObject,
  { limits, signal }: TarDirectoryOptions,
): Promise<EntryTable> {
  const { key, sizeBytes, etag } = object
  const compression = tarName(key)?.compression
  if (compression) return listTarStream(store.stream(key, { etag, signal }), object, { limits, signal, compression })
  return listEntries(
    rangeBytes(range => store.read(key, { range, etag, signal }), sizeBytes),
    object,
    limits,
  )
}

/** As `readTarDirectory`, of an archive whose bytes come in order. */
export async function listTarStream(
  source: AsyncIterable<Uint8Array>,
  object: Pick<StoredObject, 'key' | 'sizeBytes'>,
  { compression, ...options }: TarDirectoryOptions & { readonly compression: Compression | undefined },
): Promise<EntryTable> {
  const { key } = object
  const { signal } = options
  const inflated = compression ? inflateBytes(source, compression, { where: key, detail: { key }, signal }) : source
  const bytes = new ChunkBytes(checkSize(inflated, object, options))
  try {
    const table = await listEntries(bytes, object, options.limits)
    // The checksum of a nested archive is compared where its bytes end.
    await bytes.skip(Number.MAX_SAFE_INTEGER)
    return table
  } finally {
    await bytes.close()
  }
}

/** Inflated bytes below which a high ratio is no danger. */
const ratioFloorBytes = 16 * 1024 * 1024

/** Checks the inflated bytes of the archive against its limits, before the archive says what they are. */
async function* checkSize(
  source: AsyncIterable<Uint8Array>,
  { key, sizeBytes }: Pick<StoredObject, 'key' | 'sizeBytes'>,
  { limits, signal }: TarDirectoryOptions,
): AsyncGenerator<Uint8Array> {
  let inflatedBytes = 0
  for await (const chunk of source) {
    throwIfAborted(signal)
    inflatedBytes += chunk.length
    if (inflatedBytes > limits.archiveBytesMax) throw archiveFault('archiveBytesMax', limits, inflatedBytes, key)
    if (inflatedBytes > ratioFloorBytes && inflatedBytes > sizeBytes * limits.ratioMax)
      throw archiveFault('ratioMax', limits, Math.round(inflatedBytes / sizeBytes), key)
    yield chunk
  }
}

async function listEntries(
  bytes: TarBytes,
  { key }: Pick<StoredObject, 'key'>,
  limits: ZipLimits,
): Promise<EntryTable> {
  let table = new EntryTable(entriesExpected)
  for await (const entry of tarEntries(bytes, key)) {
    if (table.length >= limits.memberCountMax) throw archiveFault('memberCountMax', limits, table.length + 1, key)
    if (table.length === table.capacity) table = table.withCapacity(2 * table.capacity)
    addEntry(table, entry, limits)
  }
  markReplaced(table)
  return table
}

function addEntry(
  table: EntryTable,
  { name, headerOffset, sizeBytes, isDirectory, fault }: TarEntry,
  limits: ZipLimits,
): void {
  const nameBytes = Math.min(Buffer.byteLength(name), 0xffff)
  const kept = nameBytes > limits.nameBytesMax ? name.slice(0, limits.nameBytesMax) : name
  const sizes = { compressedBytes: sizeBytes, inflatedBytes: sizeBytes }
  const facts = { name: memberPath(kept), nameBytes, isDirectory, headerOffset, ...sizes }
  const index = table.length
  table.add({ ...facts, crc32: 0, method: 0, isEncrypted: false, fault })
  table.columns.endOffsets[index] = headerOffset + blockBytes + sizeBytes
}

/** Marks files that a later one of the same name replaces, as `tar -r` and `tar -u` add it: reading both would double rows. */
function markReplaced(table: EntryTable): void {
  const hashes = Float64Array.from({ length: table.length }, (_, index) => hashOf(table.name(index)))
  const order = Uint32Array.from({ length: table.length }, (_, index) => index)
  order.sort((a, b) => (hashes[a] as number) - (hashes[b] as number) || a - b)
  for (let place = 1; place < order.length; place++) {
    const [one, other] = [order[place - 1] as number, order[place] as number]
    if (hashes[one] !== hashes[other] || table.name(one) !== table.name(other)) continue
    if (!table.isDirectory(one)) table.columns.faults[one] ||= replacedFault
  }
}

const replacedFault = 7

const hashOf = (name: string): number => createHash('sha1').update(name).digest().readUIntBE(0, 6)

/** Returns the error of a slice that names a member which is not in its archive. */
export const notInTar = (key: string, name: string): PermanentError =>
  new PermanentError(
    'TAR_DAMAGED',
    `member ${name} of ${key}: expected its header where the plan has found it, got other bytes; the archive is damaged, get it again`,
    { archive: key, member: name },
  )
