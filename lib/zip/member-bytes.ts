/** Reads and inflates members of an archive, and checks size and CRC against the zip directory. */
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib'
import type { ZipLimits } from '../define/definition.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import { inflateExactly } from '../inflate/inflate-kernel.ts'
import { inflateChunkBytes, inflateChunks } from '../inflate/stream.ts'
import type { InputObject, MembersSlice, PlannedMember } from '../model/plan-data.ts'
import type { Reader } from '../store/store.ts'
import { asBuffer } from './end.ts'
import { checkMemberLimit } from './limits.ts'
import { type ArchiveMember, badMember, findMemberData, headerBytes, memberError } from './local-header.ts'
import { unpackMembers } from './member-rows.ts'

export interface MemberOptions {
  /** Limits that are checked again here, because anybody may have written the plan file. */
  readonly limits: Pick<ZipLimits, 'memberBytesMax'>
  readonly signal?: AbortSignal
  /** Called with a bad member, which is then skipped. Without it, the first bad member is thrown as an error. */
  readonly onBad?: (member: PlannedMember, error: FanmillError) => void
}

export interface MemberBytes {
  readonly member: PlannedMember
  readonly bytes: Uint8Array
}

/**
 * Yields the members of a slice in archive order, with one read.
 * Bytes are a view that is valid until the next member is requested. Memory: the slice's range and one inflated member.
 * @throws ZIP_BAD_MEMBER, ZIP_SIZE_MISMATCH, ZIP_CRC_MISMATCH, ZIP_ENCRYPTED, ZIP_LIMIT; what the store throws
 */
export async function* readMembers(
  store: Reader,
  input: InputObject,
  slice: MembersSlice,
  options: MemberOptions,
): AsyncGenerator<MemberBytes> {
  for await (const found of readLocal(store, input, slice, options)) {
    const bytes = inflateOrSkip(found, options)
    if (bytes) yield { member: found.place.member, bytes }
  }
}

export interface MemberChunks {
  readonly member: PlannedMember
  /** Must be read before the next member is requested. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** As `readMembers`, with members for which `isWhole` is false in chunks. Their faults are found only at their end, so bad members cannot be skipped. */
export async function* readMembersOrChunks(
  store: Reader,
  input: InputObject,
  slice: MembersSlice,
  { isWhole, ...options }: Omit<MemberOptions, 'onBad'> & { isWhole(member: PlannedMember): boolean },
): AsyncGenerator<MemberBytes | MemberChunks> {
  for await (const found of readLocal(store, input, slice, options)) {
    const { local, place } = found
    const { member } = place
    yield isWhole(member)
      ? { member, bytes: inflateMember(found, options) }
      : { member, chunks: memberChunks(local, place, options) }
  }
}

interface LocalMember {
  /** Begins with its local header, holds the whole member, and may be longer. */
  readonly local: Buffer
  readonly place: ArchiveMember
  /** False where another reader of the thread has a member in the kernel's memory. */
  readonly ownsKernel: boolean
}

/** Whether a reader has a member in the kernel's memory, until its next one is requested. */
let isKernelOwned = false

async function* readLocal(
  store: Reader,
  input: InputObject,
  slice: MembersSlice,
  { signal }: MemberOptions,
): AsyncGenerator<LocalMember> {
  const { range } = slice
  const bytes = asBuffer(await store.read(input.key, { range, etag: input.etag, signal }))
  for (const member of unpackMembers(slice)) {
    throwIfAborted(signal)
    const local = bytes.subarray(member.headerOffset - range.start)
    const ownsKernel = !isKernelOwned
    isKernelOwned = true
    try {
      yield { local, place: { archive: input.key, member }, ownsKernel }
    } finally {
      if (ownsKernel) isKernelOwned = false
    }
  }
}

/** Yields the bytes of a member in chunks. `local` is as in `LocalMember`. @throws as readMembers */
export function memberChunks(local: Buffer, place: ArchiveMember, options: MemberOptions): AsyncIterable<Uint8Array> {
  return inflateData(chunksOf(memberData(local, place)), place, options)
}

/** Yields the bytes of a member whose data come in chunks, checked on the way. @throws as readMembers */
export function inflateData(
  data: AsyncIterable<Uint8Array>,
  place: ArchiveMember,
  { limits, signal }: MemberOptions,
): AsyncGenerator<Uint8Array> {
  checkMemberLimit(place, limits)
  return checkMember(place.member.method === 0 ? data : inflateMemberData(data, place, signal), place)
}

/** Returns a member with its bytes in chunks. */
export const asChunks = (found: MemberBytes | MemberChunks): MemberChunks =>
  'chunks' in found ? found : { member: found.member, chunks: chunksOf(found.bytes) }

/** Yields bytes in chunks. */
export async function* chunksOf(data: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += inflateChunkBytes) yield data.subarray(at, at + inflateChunkBytes)
}

function memberData(local: Buffer, place: ArchiveMember): Buffer {
  const { compressedBytes } = place.member
  const start = findMemberData(local, place)
  const data = local.subarray(start, start + compressedBytes)
  if (data.length < compressedBytes)
    throw badMember(place, `expected ${compressedBytes} bytes of data, got ${data.length}`)
  return data
}

/** Returns undefined for a bad member that is skipped. */
function inflateOrSkip(found: LocalMember, options: MemberOptions): Uint8Array | undefined {
  try {
    return inflateMember(found, options)
  } catch (error) {
    if (!options.onBad || !(error instanceof PermanentError)) throw error
    options.onBad(found.place.member, error)
    return undefined
  }
}

/** Returns the bytes of one member. @throws as readMembers */
function inflateMember({ local, place, ownsKernel }: LocalMember, { limits }: MemberOptions): Uint8Array {
  const { inflatedBytes, method, crc32: expected } = place.member
  checkMemberLimit(place, limits)
  const data = memberData(local, place)
  const good = method !== 0 && ownsKernel ? inflateExactly(data, inflatedBytes) : undefined
  if (good && crc32(good) === expected) return good
  const bytes = method === 0 ? data : inflateWhole(data, place)
  if (bytes.length !== inflatedBytes) throw sizeMismatch(place, `${bytes.length}`)
  const got = crc32(bytes)
  if (got !== expected) throw crcMismatch(place, got)
  return bytes
}

/**
 * Yields a huge member in chunks of about 512 KiB at most, with two reads: its header, then its data as a stream.
 * Size and CRC are checked on the way: never more bytes than declared are yielded, and a wrong size or CRC throws before the end.
 * @throws as readMembers
 */
export async function* openMember(
  store: Reader,
  input: InputObject,
  member: PlannedMember,
  { limits, signal }: MemberOptions,
): AsyncGenerator<Uint8Array> {
  const place = { archive: input.key, member }
  checkMemberLimit(place, limits)
  const pinned = { etag: input.etag, signal }
  const range = await findData(store, input, place, pinned)
  yield* inflateData(store.stream(input.key, { ...pinned, range }), place, { limits, signal })
}

async function findData(store: Reader, input: InputObject, place: ArchiveMember, pinned: { readonly etag: string }) {
  const { headerOffset, compressedBytes } = place.member
  // Reads the longest possible header, because its length is known only after reading it.
  const end = Math.min(input.sizeBytes, headerOffset + headerBytes + 2 * 0xffff)
  const header = await store.read(input.key, { ...pinned, range: { start: headerOffset, end } })
  const start = headerOffset + findMemberData(asBuffer(header), place)
  if (start + compressedBytes > input.sizeBytes) {
    throw badMember(place, `expected ${compressedBytes} bytes of data, got ${input.sizeBytes - start}`)
  }
  return { start, end: start + compressedBytes }
}

async function* inflateMemberData(
  source: AsyncIterable<Uint8Array>,
  place: ArchiveMember,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* inflateChunks(source, () => createInflateRaw({ chunkSize: inflateChunkBytes }), { signal })
  } catch (error) {
    throw inflateFault(error, place)
  }
}

async function* checkMember(source: AsyncIterable<Uint8Array>, place: ArchiveMember): AsyncGenerator<Uint8Array> {
  const { inflatedBytes, crc32: expected } = place.member
  let sizeBytes = 0
  let crc = 0
  for await (const chunk of source) {
    sizeBytes += chunk.length
    if (sizeBytes > inflatedBytes) throw sizeMismatch(place, 'more')
    crc = crc32(chunk, crc)
    yield chunk
  }
  if (sizeBytes !== inflatedBytes) throw sizeMismatch(place, `${sizeBytes}`)
  if (crc !== expected) throw crcMismatch(place, crc)
}

/** Inflates at most the declared size, and allocates no memory for the declared size alone. */
function inflateWhole(data: Buffer, place: ArchiveMember): Buffer {
  const { inflatedBytes } = place.member
  const chunkSize = Math.max(64, Math.min(inflatedBytes + 1, inflateChunkBytes))
  try {
    return inflateRawSync(data, { chunkSize, maxOutputLength: Math.max(1, inflatedBytes) })
  } catch (error) {
    throw inflateFault(error, place)
  }
}

function inflateFault(error: unknown, place: ArchiveMember): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'ERR_BUFFER_TOO_LARGE') return sizeMismatch(place, 'more')
  if (error.code === 'Z_BUF_ERROR') return badMember(place, 'its compressed data is cut short', error)
  if (!String(error.code).startsWith('Z_')) return error
  return badMember(place, `its compressed data is damaged (${error.message})`, error)
}

function sizeMismatch(place: ArchiveMember, got: string) {
  const { inflatedBytes } = place.member
  const what = `expected ${inflatedBytes} inflated bytes as in the directory, got ${got}; the archive is damaged or malicious`
  return memberError('ZIP_SIZE_MISMATCH', place, what, { inflatedBytes, got })
}

function crcMismatch(place: ArchiveMember, got: number) {
  const expected = place.member.crc32
  const what = `expected CRC-32 ${hex(expected)}, got ${hex(got)}; the archive is damaged, get it again`
  return memberError('ZIP_CRC_MISMATCH', place, what, { expected: hex(expected), got: hex(got) })
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
