/** Reads the members of a tar archive: from a range of a plain one, and in order from a compressed one as it is inflated. */

import { ChunkBytes } from '../inflate/chunk-bytes.ts'
import { inflateBytes } from '../inflate/file.ts'
import type { InputObject, PlannedMember } from '../model/plan-data.ts'
import type { ByteRange } from '../store/byte-range.ts'
import type { Reader } from '../store/store.ts'
import { asBuffer } from '../zip/end.ts'
import { checkMemberLimit } from '../zip/limits.ts'
import { chunksOf, type MemberChunks, type MemberOptions } from '../zip/member-bytes.ts'
import { notInTar } from './directory.ts'
import { blockBytes, readHeader } from './header.ts'
import { type TarName, tarName } from './tar-name.ts'

/**
 * Yields members in the order of the archive. Memory: the range of a plain archive; one chunk of a compressed one.
 * @throws TAR_DAMAGED; INPUT_INVALID for damaged compressed data; ZIP_LIMIT; what the store throws
 */
export async function* readTarMembers(
  store: Reader,
  input: InputObject,
  { range, members }: { readonly range: ByteRange; readonly members: readonly PlannedMember[] },
  options: MemberOptions,
): AsyncGenerator<MemberChunks> {
  for (const member of members) checkMemberLimit({ archive: input.key, member }, options.limits)
  const compression = tarName(input.key)?.compression
  const pinned = { etag: input.etag, signal: options.signal }
  if (compression)
    return yield* tarMembersIn(
      store.stream(input.key, pinned),
      { key: input.key, compression, signal: options.signal },
      members,
    )
  const bytes = asBuffer(await store.read(input.key, { range, ...pinned }))
  for (const member of members) {
    const start = member.headerOffset - range.start
    const content = bytes.subarray(start + blockBytes, start + blockBytes + member.inflatedBytes)
    checkHeader(bytes.subarray(start, start + blockBytes), input.key, member)
    if (content.length < member.inflatedBytes) throw notInTar(input.key, member.name)
    yield { member, chunks: chunksOf(content) }
  }
}

/** Yields the bytes of one member: of a plain archive its range alone, of a compressed one all before it is inflated too. */
export async function* openTarMember(
  store: Reader,
  input: InputObject,
  member: PlannedMember,
  options: MemberOptions,
): AsyncGenerator<Uint8Array> {
  checkMemberLimit({ archive: input.key, member }, options.limits)
  const compression = tarName(input.key)?.compression
  const pinned = { etag: input.etag, signal: options.signal }
  if (compression) {
    const source = { key: input.key, compression, signal: options.signal }
    for await (const { chunks } of tarMembersIn(store.stream(input.key, pinned), source, [member])) yield* chunks
    return
  }
  const start = member.headerOffset + blockBytes
  const header = await store.read(input.key, { ...pinned, range: { start: member.headerOffset, end: start } })
  checkHeader(asBuffer(header), input.key, member)
  if (member.inflatedBytes > 0)
    yield* store.stream(input.key, { ...pinned, range: { start, end: start + member.inflatedBytes } })
}

/** Yields members of an archive whose bytes come in order. Memory: one chunk. @throws as `readTarMembers` */
export async function* tarMembersIn(
  source: AsyncIterable<Uint8Array>,
  { key, compression, signal }: Pick<InputObject, 'key'> & Pick<MemberOptions, 'signal'> & Partial<TarName>,
  members: readonly PlannedMember[],
): AsyncGenerator<MemberChunks> {
  const bytes = new ChunkBytes(
    compression ? inflateBytes(source, compression, { where: key, detail: { key }, signal }) : source,
  )
  try {
    for (const member of members) {
      await bytes.skip(member.headerOffset - bytes.offset)
      checkHeader(await bytes.take(blockBytes), key, member)
      yield { member, chunks: wholeContent(bytes, key, member) }
    }
  } finally {
    await bytes.close()
  }
}

/** Yields the content of a member. @throws TAR_DAMAGED when there is less */
async function* wholeContent(bytes: ChunkBytes, key: string, member: PlannedMember): AsyncGenerator<Uint8Array> {
  const end = bytes.offset + member.inflatedBytes
  yield* bytes.chunks(member.inflatedBytes)
  if (bytes.offset < end) throw notInTar(key, member.name)
}

/** Checks that a header begins where the plan has found it. */
function checkHeader(block: Uint8Array, key: string, { name }: PlannedMember): void {
  if (block.length < blockBytes || !readHeader(asBuffer(block))) throw notInTar(key, name)
}
