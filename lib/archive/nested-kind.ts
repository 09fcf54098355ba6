/** The table of the kinds of archives within archives: their bytes come in order, as the archive around them is read. */
import { Buffer } from 'node:buffer'
import { ChunkBytes } from '../inflate/chunk-bytes.ts'
import type { PlannedMember } from '../model/plan-data.ts'
import type { ByteRange } from '../store/byte-range.ts'
import { listTarStream } from '../tar/directory.ts'
import { tarMembersIn } from '../tar/member-bytes.ts'
import { tarName } from '../tar/tar-name.ts'
import { readZipDirectory } from '../zip/directory.ts'
import { readThrough } from '../zip/end.ts'
import type { EntryTable } from '../zip/entry-table.ts'
import { findMemberData, headerBytes, memberError } from '../zip/local-header.ts'
import { inflateData, type MemberBytes, type MemberChunks, type MemberOptions } from '../zip/member-bytes.ts'
import { type ListingOptions, readWhole, readWholeUnlessBad } from './archive-kind.ts'

/** An archive within another one. */
export interface NestedArchive {
  /** Both archives, for messages. */
  readonly key: string
  readonly sizeBytes: number
  /** Reads the archive again from its beginning. */
  open(): AsyncIterable<Uint8Array>
}

export interface NestedOptions extends MemberOptions {
  /** Key of the input, for messages. */
  readonly archive: string
  isWhole(member: PlannedMember): boolean
}

export interface NestedKind {
  /** Lists the members, and reads the whole archive for that. @throws ZIP_*, TAR_DAMAGED, INPUT_INVALID */
  list(source: AsyncIterable<Uint8Array>, archive: NestedArchive, options: ListingOptions): Promise<EntryTable>
  /** Yields members in the order of their offsets, which is that of `members`. Memory: one chunk, and a member that is read whole. */
  read(
    source: AsyncIterable<Uint8Array>,
    members: readonly PlannedMember[],
    options: NestedOptions,
  ): AsyncGenerator<MemberBytes | MemberChunks>
}

/** Returns what can be done with an archive within another one, by its name. */
export function nestedKind(name: string): NestedKind {
  const tar = tarName(name)
  if (!tar) return zip
  return {
    list: (source, archive, options) => listTarStream(source, archive, { ...options, ...tar }),
    async *read(source, members, { archive, isWhole, signal }) {
      for await (const found of tarMembersIn(source, { key: `${archive}, member ${name}`, signal, ...tar }, members))
        yield isWhole(found.member) ? { member: found.member, bytes: await readWhole(found) } : found
    },
  }
}

const zip: NestedKind = {
  async list(source, archive, { limits }) {
    const { key, sizeBytes } = archive
    const tail = await readTail(source)
    const read = (range: ByteRange) => readThrough(earlier => readRange(archive.open(), earlier), tail, range)
    return (await readZipDirectory(read, sizeBytes, { key, limits, isNested: true })).table
  },
  async *read(source, members, options) {
    const bytes = new ChunkBytes(source)
    try {
      for (const member of members) {
        const place = { archive: options.archive, member }
        const chunks = inflateAt(bytes, place, options)
        const content = options.isWhole(member) ? await readWholeUnlessBad({ member, chunks }, options) : undefined
        if (content) yield { member, bytes: content }
        else if (!options.isWhole(member)) yield { member, chunks }
      }
    } finally {
      await bytes.close()
    }
  },
}

/** Bytes at the end of a zip that are kept while it is listed: its directory of some 80,000 members. A longer one is read again in parts. */
const tailBytes = 8 * 1024 * 1024

const pieceBytes = 1024 * 1024

/** Reads to the end, and returns the last bytes. Memory: 16 MiB. */
async function readTail(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly start: number; readonly bytes: Buffer }> {
  const buffer = Buffer.allocUnsafe(2 * tailBytes)
  let [start, length] = [0, 0]
  for await (const chunk of source)
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes)
      if (length + piece.length > buffer.length) {
        buffer.copy(buffer, 0, length - tailBytes, length)
        start += length - tailBytes
        length = tailBytes
      }
      buffer.set(piece, length)
      length += piece.length
    }
  return { start, bytes: buffer.subarray(0, length) }
}

async function readRange(source: AsyncIterable<Uint8Array>, { start, end }: ByteRange): Promise<Uint8Array> {
  const bytes = new ChunkBytes(source)
  try {
    await bytes.skip(start)
    return await bytes.take(end - start)
  } finally {
    await bytes.close()
  }
}

/** Passes over the local header of a member, and yields its bytes. */
async function* inflateAt(
  bytes: ChunkBytes,
  place: { readonly archive: string; readonly member: PlannedMember },
  options: MemberOptions,
): AsyncGenerator<Uint8Array> {
  const { headerOffset, compressedBytes } = place.member
  if (headerOffset < bytes.offset)
    throw memberError('ZIP_OVERLAP', place, `expected it to begin after the member before it, got its offset in it`)
  await bytes.skip(headerOffset - bytes.offset)
  const fixed = await bytes.take(headerBytes)
  // 26 - file name length, 28 - extra field length
  const rest = fixed.length < headerBytes ? 0 : fixed.readUInt16LE(26) + fixed.readUInt16LE(28)
  findMemberData(Buffer.concat([fixed, await bytes.take(rest)]), place)
  yield* inflateData(bytes.chunks(compressedBytes), place, options)
}
