/** Reads the local header of a zip member: finds its data, and checks that it is the member of the directory's entry. */
import type { Buffer } from 'node:buffer'
import { type ErrorCode, type ErrorDetail, PermanentError } from '../errors/errors.ts'
import type { PlannedMember } from '../model/plan-data.ts'
import { parseExtra } from './entry.ts'
import { damage } from './entry-table.ts'
import { decodeZipName, isSamePath } from './names.ts'

/** Bytes of a local header before its name. */
export const headerBytes = 30
/** Bytes of the longest data descriptor: signature, CRC and two zip64 sizes. */
const descriptorBytesMax = 24
const extraBytesMax = 0xffff

interface Sizes {
  readonly nameBytes: number
  readonly compressedBytes: number
}

/** Returns the fewest bytes that a member takes in its archive. */
export function localBytes({ nameBytes, compressedBytes }: Sizes): number {
  return headerBytes + nameBytes + compressedBytes
}

/** Returns the most bytes that a member can take: its local extra field may have any length, whatever the directory says. */
export function reachBytes(sizes: Sizes): number {
  return localBytes(sizes) + extraBytesMax + descriptorBytesMax
}

/** A member and its archive, as errors name them. */
export interface ArchiveMember {
  readonly archive: string
  readonly member: PlannedMember
}

/** Returns the name that a member has in the archive that it is a member of, which may be nested. */
export const ownName = ({ name, within }: Pick<PlannedMember, 'name' | 'within'>): string =>
  name.slice(within ? (within.at(-1)?.name.length ?? 0) + 1 : 0)

/**
 * Returns the offset of the data in `bytes`, which begin with the local header and hold it whole.
 * @throws ZIP_BAD_MEMBER when it is no local header, or that of another member; ZIP_ENCRYPTED
 */
export function findMemberData(bytes: Buffer, place: ArchiveMember): number {
  if (bytes.length < headerBytes)
    throw badMember(place, `expected a local header, got one that is cut short; ${damage}`)
  // 0 - local file header signature
  if (bytes.readUInt32LE(0) !== 0x04034b50)
    throw badMember(place, `expected a local header where the directory says, got other bytes; ${damage}`)
  // 26 - file name length, 28 - extra field length
  const nameEnd = headerBytes + bytes.readUInt16LE(26)
  const dataStart = nameEnd + bytes.readUInt16LE(28)
  if (dataStart > bytes.length)
    throw badMember(place, `expected a local header that ends before the next member, got a longer one; ${damage}`)
  // 6 - general purpose bit flag
  const flags = bytes.readUInt16LE(6)
  if ((flags & 1) !== 0)
    throw memberError(
      'ZIP_ENCRYPTED',
      place,
      'expected no encryption, got an encrypted local header; decrypt the archive first',
    )
  // 8 - compression method
  const method = bytes.readUInt16LE(8)
  if (method !== place.member.method) {
    throw badMember(place, `expected method ${place.member.method} as in the directory, got ${method}`)
  }
  checkName(bytes.subarray(headerBytes, nameEnd), bytes.subarray(nameEnd, dataStart), flags, place)
  return dataStart
}

export function badMember(place: ArchiveMember, what: string, cause?: unknown): PermanentError {
  return memberError('ZIP_BAD_MEMBER', place, what, {}, cause)
}

/** Returns an error that names archive and member; the offset is in its detail. */
export function memberError(
  code: ErrorCode,
  { archive, member }: { readonly archive: string; readonly member: Pick<PlannedMember, 'name' | 'headerOffset'> },
  what: string,
  detail: ErrorDetail = {},
  cause?: unknown,
): PermanentError {
  const message = `member ${member.name} of ${archive}: ${what}`
  const facts = { archive, member: member.name, offset: member.headerOffset, ...detail }
  return new PermanentError(code, message, facts, cause === undefined ? undefined : { cause })
}

/**
 * Checks the name leniently where honest writers differ: the unicode field and the UTF-8 flag may be missing here, and extra fields may be
 * padding, as Android's zipalign writes it.
 */
function checkName(fileNameRaw: Buffer, extra: Buffer, flags: number, place: ArchiveMember): void {
  const expected = ownName(place.member)
  if (fileNameRaw.toString('utf8') === expected) return
  const bare = { fileNameRaw, generalPurposeBitFlag: 0, extraFields: [] }
  if (isSamePath(decodeZipName(bare), expected) || isSamePath(fileNameRaw.toString('utf8'), expected)) return
  const name = decodeZipName({ fileNameRaw, generalPurposeBitFlag: flags, extraFields: parseExtra(extra) })
  if (isSamePath(name, expected)) return
  throw badMember(place, `expected its own local header, got that of ${JSON.stringify(name)}`)
}
