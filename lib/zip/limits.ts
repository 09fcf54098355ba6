/** Checks the entries that a run selected against the limits for zip archives. */
import type { ZipLimits } from '../define/definition.ts'
import { type ErrorCode, type ErrorDetail, PermanentError } from '../errors/errors.ts'
import type { ZipEntry } from './entry-table.ts'
import { type ArchiveMember, localBytes, memberError } from './local-header.ts'

/** Inflated bytes below which a high ratio is no danger: a text of blanks deflates to a thousandth. */
const ratioFloorBytes = 1024 * 1024

/** Names of compression methods (4.4.5 of APPNOTE.TXT). */
const methodNames: Readonly<Record<number, string>> = {
  1: 'shrink',
  6: 'implode',
  9: 'deflate64',
  10: 'pkware implode',
  12: 'bzip2',
  14: 'lzma',
  20: 'zstd (old id)',
  93: 'zstd',
  94: 'mp3',
  95: 'xz',
  96: 'jpeg',
  97: 'wavpack',
  98: 'ppmd',
  99: 'AES encryption',
}

/** Returns why a member cannot be read, by its entry alone; undefined when it can be. */
export function entryFault(entry: ZipEntry, limits: ZipLimits, key: string): PermanentError | undefined {
  const { isEncrypted, method, compressedBytes, inflatedBytes, nameBytes } = entry
  const place = { archive: key, member: entry }
  const fault = (code: ErrorCode, what: string, detail?: ErrorDetail) => memberError(code, place, what, detail)
  if (isEncrypted || method === 99) return fault('ZIP_ENCRYPTED', 'expected no encryption; decrypt the archive first')
  if (method !== 0 && method !== 8) {
    const got = methodNames[method] ?? 'unknown'
    const what = `expected method 0 (stored) or 8 (deflate), got ${method} (${got}); zip it again with deflate`
    return fault('ZIP_METHOD_UNSUPPORTED', what, { method })
  }
  if (entry.fault !== undefined) return fault(entry.fault.code, entry.fault.what)
  if (nameBytes > limits.nameBytesMax) return fault('ZIP_LIMIT', overLimit('nameBytesMax', limits, nameBytes))
  if (inflatedBytes > limits.memberBytesMax)
    return fault('ZIP_LIMIT', overLimit('memberBytesMax', limits, inflatedBytes))
  if (inflatedBytes > ratioFloorBytes && inflatedBytes > compressedBytes * limits.ratioMax) {
    return fault('ZIP_LIMIT', overLimit('ratioMax', limits, Math.round(inflatedBytes / Math.max(1, compressedBytes))))
  }
  if (method === 0 && compressedBytes !== inflatedBytes) {
    const what = `expected a stored member of one size, got ${compressedBytes} bytes that inflate to ${inflatedBytes}; the archive is damaged, get it again`
    return fault('ZIP_SIZE_MISMATCH', what, { compressedBytes, inflatedBytes })
  }
  if (entry.headerOffset + localBytes(entry) > entry.endOffset) {
    const what = `expected its ${compressedBytes} bytes to end before ${entry.endOffset}, where another member begins; the archive is damaged or hostile, get it again`
    return fault('ZIP_OVERLAP', what, { endOffset: entry.endOffset })
  }
  return undefined
}

/**
 * Checks that all entries can be read; the caller leaves directories out.
 * @throws the first member's fault: ZIP_ENCRYPTED, ZIP_METHOD_UNSUPPORTED, ZIP_LIMIT, ZIP_SIZE_MISMATCH, ZIP_OVERLAP; ZIP_LIMIT for all members together
 */
export function checkEntries(selected: readonly ZipEntry[], limits: ZipLimits, key: string): void {
  const count = countMembers(limits, key)
  for (const entry of selected) {
    const fault = entryFault(entry, limits, key)
    if (fault) throw fault
    count(entry)
  }
}

/** Counts a member and its bytes. @throws ZIP_LIMIT when an archive has too many of them */
export type CountMember = (entry: Pick<ZipEntry, 'inflatedBytes'>) => void

/** Returns a function that counts the selected members of an archive against its limits. */
export function countMembers(limits: ZipLimits, key: string): CountMember {
  let [count, bytes] = [0, 0]
  return ({ inflatedBytes }) => {
    count++
    bytes += inflatedBytes
    if (count > limits.memberCountMax) throw archiveFault('memberCountMax', limits, count, key)
    if (bytes > limits.archiveBytesMax) throw archiveFault('archiveBytesMax', limits, bytes, key)
  }
}

/** Returns the error of an archive that is over a limit. */
export function archiveFault(limit: keyof ZipLimits, limits: ZipLimits, got: number, archive: string): PermanentError {
  return new PermanentError('ZIP_LIMIT', `${archive}: ${overLimit(limit, limits, got)}`, { archive, limit, got })
}

function overLimit(limit: keyof ZipLimits, limits: ZipLimits, got: number): string {
  return `expected at most ${limits[limit]}, got ${got}; raise limits.${limit} if the archive is trusted`
}

/** Checks the size of a member again where it is read, because anybody may have written the plan file. @throws ZIP_LIMIT */
export function checkMemberLimit(place: ArchiveMember, { memberBytesMax }: Pick<ZipLimits, 'memberBytesMax'>): void {
  const { inflatedBytes } = place.member
  if (inflatedBytes <= memberBytesMax) return
  const what = `expected at most ${memberBytesMax} bytes, got ${inflatedBytes}; raise limits.memberBytesMax if the archive is trusted`
  throw memberError('ZIP_LIMIT', place, what, { memberBytesMax, inflatedBytes })
}
