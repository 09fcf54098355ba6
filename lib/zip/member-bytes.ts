/** Members of an archive as bytes: read, inflated, and checked against what the directory promised. */
import { crc32, createInflateRaw } from 'node:zlib'
import type { ZipLimits } from '../define/definition.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import { createRawInflater, type RawInflater } from '../inflate/raw-inflater.ts'
import { inflateChunkBytes, inflateChunks } from '../inflate/stream.ts'
import type { InputObject, MembersSlice, PlannedMember } from '../model/plan-data.ts'
import type { Reader } from '../store/store.ts'
import { asBuffer } from './end.ts'
import { type ArchiveMember, badMember, findMemberData, headerBytes, memberError } from './local-header.ts'
import { unpackMembers } from './member-rows.ts'

export interface MemberOptions {
  /** Checked again here, because a plan is a file that anybody may have written. */
  readonly limits: Pick<ZipLimits, 'memberBytesMax'>
  readonly signal?: AbortSignal
  /** Told of a bad member, which is then passed over; without it the first one ends the reading. */
  readonly onBad?: (member: PlannedMember, error: FanmillError) => void
}

export interface MemberBytes {
  readonly member: PlannedMember
  readonly bytes: Uint8Array
}

/**
 * The members of a slice in archive order, by one read.
 * Bytes are a view that holds until the next member is asked for. Memory: the slice's range and one inflated member.
 * @throws ZIP_BAD_MEMBER, ZIP_SIZE_MISMATCH, ZIP_CRC_MISMATCH, ZIP_ENCRYPTED, ZIP_LIMIT; what the store throws
 */
export async function* readMembers(
  store: Reader,
  input: InputObject,
  slice: MembersSlice,
  options: MemberOptions,
): AsyncGenerator<MemberBytes> {
  for await (const { local, place } of readLocal(store, input, slice, options)) {
    const bytes = inflateOr(local, place, options)
    if (bytes) yield { member: place.member, bytes }
  }
}

export interface MemberChunks {
  readonly member: PlannedMember
  /** To be read before the next member is asked for. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** As `readMembers`, members above `wholeBytesMax` in chunks; what is wrong with such a one shows at its end, so none can be passed over. */
export async function* readMembersOrChunks(
  store: Reader,
  input: InputObject,
  slice: MembersSlice,
  { isWhole, ...options }: Omit<MemberOptions, 'onBad'> & { isWhole(member: PlannedMember): boolean },
): AsyncGenerator<MemberBytes | MemberChunks> {
  for await (const { local, place } of readLocal(store, input, slice, options)) {
    const { member } = place
    yield isWhole(member)
      ? { member, bytes: inflateMember(local, place, options) }
      : { member, chunks: memberChunks(local, place, options) }
  }
}

async function* readLocal(
  store: Reader,
  input: InputObject,
  slice: MembersSlice,
  { signal }: MemberOptions,
): AsyncGenerator<{ readonly local: Buffer; readonly place: ArchiveMember }> {
  const { range } = slice
  const bytes = asBuffer(await store.read(input.key, { range, etag: input.etag, ...(signal && { signal }) }))
  for (const member of unpackMembers(slice)) {
    throwIfAborted(signal)
    yield { local: bytes.subarray(member.headerOffset - range.start), place: { archive: input.key, member } }
  }
}

function memberChunks(
  local: Buffer,
  place: ArchiveMember,
  { limits, signal }: MemberOptions,
): AsyncIterable<Uint8Array> {
  checkLimit(place, limits)
  const source = chunksOf(memberData(local, place))
  return checked(place.member.method === 0 ? source : inflated(source, place, signal), place)
}

async function* chunksOf(data: Buffer): AsyncGenerator<Uint8Array> {
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

/** Undefined for a bad member that may be passed over. */
function inflateOr(local: Buffer, place: ArchiveMember, options: MemberOptions): Uint8Array | undefined {
  try {
    return inflateMember(local, place, options)
  } catch (error) {
    if (!options.onBad || !(error instanceof PermanentError)) throw error
    options.onBad(place.member, error)
    return undefined
  }
}

/**
 * One member's bytes from `local`, which begins with its local header and holds it whole; more may follow.
 * @throws as readMembers
 */
function inflateMember(local: Buffer, place: ArchiveMember, { limits }: MemberOptions): Uint8Array {
  const { inflatedBytes, method, crc32: expected } = place.member
  checkLimit(place, limits)
  const data = memberData(local, place)
  const bytes = method === 0 ? data : inflateWhole(data, place)
  if (bytes.length !== inflatedBytes) throw sizeMismatch(place, `${bytes.length}`)
  const got = crc32(bytes)
  if (got !== expected) throw crcMismatch(place, got)
  return bytes
}

/**
 * A huge member in chunks of about 512 KiB at most, by two reads: its header, then its data as a stream.
 * Size and CRC are checked as bytes go: never one byte more than declared comes out, and the end comes only when both are right.
 * @throws as readMembers
 */
export async function* openMember(
  store: Reader,
  input: InputObject,
  member: PlannedMember,
  { limits, signal }: MemberOptions,
): AsyncGenerator<Uint8Array> {
  const place = { archive: input.key, member }
  checkLimit(place, limits)
  const pinned = { etag: input.etag, ...(signal && { signal }) }
  const range = await findData(store, input, place, pinned)
  const source = store.stream(input.key, { ...pinned, range })
  if (member.method === 0) yield* checked(source, place)
  else yield* checked(inflated(source, place, signal), place)
}

async function findData(store: Reader, input: InputObject, place: ArchiveMember, pinned: { readonly etag: string }) {
  const { headerOffset, compressedBytes } = place.member
  // The longest that a header can be: its length is known only when it is read.
  const end = Math.min(input.sizeBytes, headerOffset + headerBytes + 2 * 0xffff)
  const header = await store.read(input.key, { ...pinned, range: { start: headerOffset, end } })
  const start = headerOffset + findMemberData(asBuffer(header), place)
  if (start + compressedBytes > input.sizeBytes) {
    throw badMember(place, `expected ${compressedBytes} bytes of data, got ${input.sizeBytes - start}`)
  }
  return { start, end: start + compressedBytes }
}

async function* inflated(
  source: AsyncIterable<Uint8Array>,
  place: ArchiveMember,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* inflateChunks(source, () => createInflateRaw({ chunkSize: inflateChunkBytes }), { signal })
  } catch (error) {
    throw mapped(error, place)
  }
}

async function* checked(source: AsyncIterable<Uint8Array>, place: ArchiveMember): AsyncGenerator<Uint8Array> {
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

/** Inflates no further than the declared size; nothing is allocated by the declaration alone. */
function inflateWhole(data: Buffer, place: ArchiveMember): Buffer {
  inflater ??= createRawInflater()
  try {
    return inflater.inflate(data, place.member.inflatedBytes)
  } catch (error) {
    throw mapped(error, place)
  }
}

let inflater: RawInflater | undefined

function mapped(error: unknown, place: ArchiveMember): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'ERR_BUFFER_TOO_LARGE') return sizeMismatch(place, 'more')
  if (error.code === 'Z_BUF_ERROR') return badMember(place, 'its compressed data is cut short', error)
  if (!String(error.code).startsWith('Z_')) return error
  return badMember(place, `its compressed data is damaged (${error.message})`, error)
}

function checkLimit(place: ArchiveMember, { memberBytesMax }: MemberOptions['limits']): void {
  const { inflatedBytes } = place.member
  if (inflatedBytes <= memberBytesMax) return
  const what = `expected at most ${memberBytesMax} bytes, got ${inflatedBytes}; raise limits.memberBytesMax if the archive is trusted`
  throw memberError('ZIP_LIMIT', place, what, { memberBytesMax, inflatedBytes })
}

function sizeMismatch(place: ArchiveMember, got: string) {
  const { inflatedBytes } = place.member
  const what = `expected ${inflatedBytes} inflated bytes as in the directory, got ${got}; the archive is damaged or hostile`
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
