/** Extracts members of an archive as files below a folder. */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import type { InputObject, MembersSlice, PlannedMember, StreamSlice } from '../model/plan-data.ts'
import { diskFault, errnoOf } from '../store/disk/fault.ts'
import type { Store } from '../store/store.ts'
import { asChunks, type MemberOptions } from '../zip/member-bytes.ts'
import { membersOfSlice } from '../zip/member-rows.ts'
import { safePath } from '../zip/names.ts'
import { archiveKind } from './archive-kind.ts'
import { openMember, readNested } from './read-nested.ts'

export interface ExtractedFile {
  /** Path below the folder with `/` as separator: the member's name. */
  readonly path: string
  readonly sizeBytes: number
  readonly crc32: number
}

export interface ExtractOptions extends MemberOptions {
  /** Created when missing. */
  readonly folder: string
}

/**
 * Extracts the members of a slice; existing files are replaced. A crash may leave files that are cut short, so the caller publishes
 * the folder only after this returns. A small member is checked before it is written, a streamed one while it is written, and
 * removed when it is bad.
 * Deliberately uses synchronous file calls, because they are faster for many small files: call it in a worker thread.
 * @throws ZIP_UNSAFE_NAME before anything is written; DISK_FULL; STORE_FAILED; as readMembers
 */
export async function extractMembers(
  store: Store,
  input: InputObject,
  slice: MembersSlice | StreamSlice,
  options: ExtractOptions,
): Promise<readonly ExtractedFile[]> {
  for (const member of membersOfSlice(slice)) safePath(member.name)
  const folders = new Set<string>()
  const files: ExtractedFile[] = []
  const isNested = slice.kind === 'stream' ? slice.member?.within !== undefined : slice.isNested
  const hasChecksums = archiveKind(input.key).hasChecksums && !isNested
  for await (const { member, chunks } of openAll(store, input, slice, options)) {
    const path = join(options.folder, member.name)
    createFolder(dirname(path), folders, options.folder)
    const sum = hasChecksums ? undefined : sumUp(chunks)
    if (!(await tryWrite(path, member, sum?.chunks ?? chunks, options))) continue
    files.push({ path: member.name, sizeBytes: member.inflatedBytes, crc32: sum?.crc32() ?? member.crc32 })
  }
  return files
}

/** Computes the checksum of bytes on their way, where the archive has none. */
function sumUp(source: OpenMember['chunks']): { readonly chunks: AsyncIterable<Uint8Array>; crc32(): number } {
  let sum = 0
  const pass = async function* () {
    for await (const chunk of source) {
      sum = crc32(chunk, sum)
      yield chunk
    }
  }
  return { chunks: pass(), crc32: () => sum }
}

interface OpenMember {
  readonly member: PlannedMember
  readonly chunks: AsyncIterable<Uint8Array> | readonly [Uint8Array]
}

async function* openAll(
  store: Store,
  input: InputObject,
  slice: MembersSlice | StreamSlice,
  options: MemberOptions,
): AsyncGenerator<OpenMember> {
  const archive = archiveKind(input.key)
  if (slice.kind === 'stream') {
    const { member } = slice
    if (!member)
      throw new PermanentError('STATE_INVALID', 'expected a stream slice with a member, got a file', { slice })
    yield { member, chunks: openMember(store, input, member, options) }
  } else if (slice.isNested || !archive.hasChecksums) {
    const read = slice.isNested ? readNested : archive.readMembersOrChunks
    for await (const found of read(store, input, slice, { ...options, isWhole: () => false })) yield asChunks(found)
  } else
    for await (const { member, bytes } of archive.readMembers(store, input, slice, options))
      yield { member, chunks: [bytes] }
}

function createFolder(folder: string, existing: Set<string>, root: string): void {
  if (existing.has(folder)) return
  onDisk(root, () => mkdirSync(folder, { recursive: true }))
  existing.add(folder)
}

/** Returns false for a bad streamed member that is skipped; members that are read whole were checked before. */
async function tryWrite(
  path: string,
  member: PlannedMember,
  chunks: OpenMember['chunks'],
  { onBad }: ExtractOptions,
): Promise<boolean> {
  try {
    await writeAll(path, chunks)
    return true
  } catch (error) {
    if (!onBad || !(error instanceof FanmillError) || !error.code.startsWith('ZIP_')) throw error
    onBad(member, error)
    return false
  }
}

async function writeAll(path: string, chunks: OpenMember['chunks']): Promise<void> {
  const file = onDisk(path, () => openNew(path))
  try {
    for await (const chunk of chunks) onDisk(path, () => writeFileSync(file, chunk))
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

/** Replaces an existing file instead of writing into it, because it may be a symbolic link or have other names. */
function openNew(path: string): number {
  try {
    return openSync(path, 'wx')
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    rmSync(path)
    return openSync(path, 'wx')
  }
}

function onDisk<T>(path: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw diskFault(error, 'write', path)
  }
}
