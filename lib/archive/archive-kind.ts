/** The table of the kinds of archives: how their members are listed and read. */
import type { ZipLimits } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import type { MembersSlice } from '../model/plan-data.ts'
import type { Reader, StoredObject } from '../store/store.ts'
import { readTarDirectory } from '../tar/directory.ts'
import { openTarMember, readTarMembers } from '../tar/member-bytes.ts'
import { tarName } from '../tar/tar-name.ts'
import { readZipDirectory } from '../zip/directory.ts'
import type { EntryTable } from '../zip/entry-table.ts'
import {
  type MemberChunks,
  type MemberOptions,
  openMember,
  readMembers,
  readMembersOrChunks,
} from '../zip/member-bytes.ts'
import { unpackMembers } from '../zip/member-rows.ts'

export interface ListingOptions {
  readonly limits: ZipLimits
  readonly signal?: AbortSignal | undefined
}

export interface Listing {
  /** The entries in the order of the archive, folders included. */
  readonly table: EntryTable
  /** Identifies the content; absent where the listing does not tell contents apart, because it has no checksums. */
  readonly identity?: string
}

export interface ArchiveKind {
  /** Whether members can only be read in their order from the beginning of the archive. */
  readonly isSequential: boolean
  /** Whether each member has a checksum, so that a damaged one is known. */
  readonly hasChecksums: boolean
  /** Lists the members. @throws ZIP_*, TAR_DAMAGED, INPUT_INVALID */
  list(store: Reader, object: StoredObject, options: ListingOptions): Promise<Listing>
  /** Yields the members of a slice whole, without those that are bad where `onBad` is given. */
  readonly readMembers: typeof readMembers
  /** Yields the members of a slice, those for which `isWhole` is false in chunks. */
  readonly readMembersOrChunks: typeof readMembersOrChunks
  /** Yields the bytes of one member, of any size. */
  readonly openMember: typeof openMember
}

const zip: ArchiveKind = {
  isSequential: false,
  hasChecksums: true,
  // A directory is read in a moment. One whose reading has begun is read to its end, so that a plan whose time is up keeps it.
  list(store, { key, sizeBytes, etag }, { limits }) {
    return readZipDirectory(range => store.read(key, { range, etag }), sizeBytes, { key, limits })
  },
  readMembers,
  readMembersOrChunks,
  openMember,
}

const tar: ArchiveKind = {
  isSequential: false,
  hasChecksums: false,
  list: async (store, object, options) => ({ table: await readTarDirectory(store, object, options) }),
  async *readMembers(store, input, slice, options) {
    // A tar archive has no checksums of members: one is bad only as a whole archive.
    for await (const found of readTarMembers(store, input, planned(slice), options))
      yield { member: found.member, bytes: await readWhole(found) }
  },
  async *readMembersOrChunks(store, input, slice, { isWhole, ...options }) {
    for await (const found of readTarMembers(store, input, planned(slice), options))
      yield isWhole(found.member) ? { member: found.member, bytes: await readWhole(found) } : found
  },
  openMember: openTarMember,
}

const compressedTar: ArchiveKind = { ...tar, isSequential: true }

const planned = (slice: MembersSlice) => ({ range: slice.range, members: unpackMembers(slice) })

/** Returns the bytes of a member whose chunks may be reused. */
export async function readWhole({ member, chunks }: MemberChunks): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(member.inflatedBytes)
  let at = 0
  for await (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Reads a member whole, and returns undefined for a bad one that is skipped. */
export async function readWholeUnlessBad(
  found: MemberChunks,
  { onBad }: Pick<MemberOptions, 'onBad'>,
): Promise<Uint8Array | undefined> {
  try {
    return await readWhole(found)
  } catch (error) {
    if (!onBad || !(error instanceof PermanentError)) throw error
    onBad(found.member, error)
    return undefined
  }
}

/** Returns what can be done with an archive, by its name: a zip, whatever its name, where it is not that of a tar archive. */
export function archiveKind(key: string): ArchiveKind {
  const name = tarName(key)
  if (!name) return zip
  return name.compression ? compressedTar : tar
}

/** Whether a name is that of an archive. */
export const hasArchiveName = (key: string): boolean => /\.zip$/i.test(key) || tarName(key) !== undefined
