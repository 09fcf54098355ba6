/** The local header of a zip member: where the member's data begins, and whether it is the member that the directory meant. */
import type { Buffer } from 'node:buffer'
import { parseExtraFields } from 'yauzl'
import { PermanentError } from '../errors/errors.ts'
import type { PlannedMember } from '../model/plan-data.ts'
import { decodeZipName, isSamePath } from './names.ts'

/** Bytes of a local header before its name. */
export const headerBytes = 30
/** Bytes of a data descriptor at its longest: signature, CRC and two zip64 sizes. */
const descriptorBytesMax = 24
const extraBytesMax = 0xffff

interface Sizes {
  readonly nameBytes: number
  readonly compressedBytes: number
}

/** The fewest bytes that a member takes in its archive. */
export function localBytes({ nameBytes, compressedBytes }: Sizes): number {
  return headerBytes + nameBytes + compressedBytes
}

/** The most bytes that a member can take: its local extra field may be of any length, whatever the directory says. */
export function reachBytes(sizes: Sizes): number {
  return localBytes(sizes) + extraBytesMax + descriptorBytesMax
}

/** A member of an archive, for errors. */
export interface MemberPlace {
  readonly archive: string
  readonly member: PlannedMember
}

/**
 * The offset of the data in `bytes`, which begin with the local header and hold it whole.
 * @throws ZIP_BAD_MEMBER when it is no local header, or that of another member; ZIP_ENCRYPTED
 */
export function findMemberData(bytes: Buffer, place: MemberPlace): number {
  if (bytes.length < headerBytes) throw badMember(place, 'its local header is cut short')
  // 0 - local file header signature
  if (bytes.readUInt32LE(0) !== 0x04034b50) throw badMember(place, 'no local header where the directory says')
  // 26 - file name length, 28 - extra field length
  const nameEnd = headerBytes + bytes.readUInt16LE(26)
  const dataStart = nameEnd + bytes.readUInt16LE(28)
  if (dataStart > bytes.length) throw badMember(place, 'its local header reaches beyond its place')
  // 6 - general purpose bit flag
  const flags = bytes.readUInt16LE(6)
  if ((flags & 1) !== 0)
    throw memberError('ZIP_ENCRYPTED', place, 'expected no encryption, got an encrypted local header')
  // 8 - compression method
  const method = bytes.readUInt16LE(8)
  if (method !== place.member.method) {
    throw badMember(place, `expected method ${place.member.method} as in the directory, got ${method}`)
  }
  checkName(bytes.subarray(headerBytes, nameEnd), bytes.subarray(nameEnd, dataStart), flags, place)
  return dataStart
}

export function badMember(place: MemberPlace, what: string, cause?: unknown): PermanentError {
  return memberError('ZIP_BAD_MEMBER', place, what, {}, cause)
}

/** An error that names archive, member and offset. */
export function memberError(
  code: 'ZIP_BAD_MEMBER' | 'ZIP_CRC_MISMATCH' | 'ZIP_SIZE_MISMATCH' | 'ZIP_ENCRYPTED' | 'ZIP_LIMIT',
  { archive, member }: MemberPlace,
  what: string,
  detail: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): PermanentError {
  const message = `member ${member.name} of ${archive} at ${member.headerOffset}: ${what}`
  const facts = { archive, member: member.name, offset: member.headerOffset, ...detail }
  return new PermanentError(code, message, facts, cause === undefined ? undefined : { cause })
}

/** Lenient where honest writers differ: the unicode field may be missing here, and so may the UTF-8 flag. */
function checkName(fileNameRaw: Buffer, extra: Buffer, flags: number, place: MemberPlace): void {
  const expected = place.member.name
  if (fileNameRaw.toString('utf8') === expected) return
  const bare = { fileNameRaw, generalPurposeBitFlag: 0, extraFields: [] }
  if (isSamePath(decodeZipName(bare), expected) || isSamePath(fileNameRaw.toString('utf8'), expected)) return
  const name = decodeZipName({ fileNameRaw, generalPurposeBitFlag: flags, extraFields: readableFields(extra) })
  if (isSamePath(name, expected)) return
  throw badMember(place, `expected its own local header, got that of ${JSON.stringify(name)}`)
}

function readableFields(extra: Buffer): ReturnType<typeof parseExtraFields> {
  try {
    return parseExtraFields(extra)
  } catch {
    return [] // Local extra fields may be padding, as Android's zipalign writes; nothing is needed of them.
  }
}
