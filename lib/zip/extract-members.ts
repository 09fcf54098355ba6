/** Writes members of an archive as files below a folder. */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import type { InputObject, MembersSlice, PlannedMember, StreamSlice } from '../model/plan-data.ts'
import { diskFault, errnoOf } from '../store/disk/fault.ts'
import type { Store } from '../store/store.ts'
import { type MemberOptions, openMember, readMembers } from './member-bytes.ts'
import { unpackMembers } from './member-rows.ts'
import { safePath } from './names.ts'

export interface ExtractedFile {
  /** Below the folder, `/`-separated: the member's name. */
  readonly path: string
  readonly sizeBytes: number
  readonly crc32: number
}

export interface ExtractOptions extends MemberOptions {
  /** Made when absent. */
  readonly folder: string
}

/**
 * Extracts a slice's members, each straight to its place, as a new file where one is there: what a crash leaves may be cut short,
 * so whoever calls makes the folder known only when all is done. A small member is checked before it is written, a streamed one
 * while it is, and removed when it is bad.
 * Deliberately with synchronous file calls, which are faster for many small files: meant for a worker thread.
 * @throws ZIP_UNSAFE_NAME before anything is written; DISK_FULL; STORE_FAILED; as readMembers
 */
export async function extractMembers(
  store: Store,
  input: InputObject,
  slice: MembersSlice | StreamSlice,
  options: ExtractOptions,
): Promise<readonly ExtractedFile[]> {
  const members = slice.kind === 'members' ? unpackMembers(slice) : slice.member ? [slice.member] : []
  for (const member of members) safePath(member.name)
  const folders = new Set<string>()
  const files: ExtractedFile[] = []
  for await (const { member, chunks } of openAll(store, input, slice, options)) {
    const path = join(options.folder, member.name)
    makeFolder(dirname(path), folders, options.folder)
    if (!(await writeOr(path, member, chunks, options))) continue
    files.push({ path: member.name, sizeBytes: member.inflatedBytes, crc32: member.crc32 })
  }
  return files
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
  if (slice.kind === 'members') {
    for await (const { member, bytes } of readMembers(store, input, slice, options)) yield { member, chunks: [bytes] }
  } else {
    const { member } = slice
    if (!member)
      throw new PermanentError('STATE_INVALID', 'expected a stream slice with a member, got a file', { slice })
    yield { member, chunks: openMember(store, input, member, options) }
  }
}

function makeFolder(folder: string, made: Set<string>, root: string): void {
  if (made.has(folder)) return
  onDisk(root, () => mkdirSync(folder, { recursive: true }))
  made.add(folder)
}

/** False for a bad streamed member that may be passed over; those read whole were checked before. */
async function writeOr(
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
    if (Array.isArray(chunks)) for (const chunk of chunks) onDisk(path, () => writeFully(file, chunk))
    else for await (const chunk of chunks) onDisk(path, () => writeFully(file, chunk))
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

/** Never into a file that is there, which may have other names, nor through a symbolic link. */
function openNew(path: string): number {
  try {
    return openSync(path, 'wx')
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    rmSync(path)
    return openSync(path, 'wx')
  }
}

/** A write may take less than it was given, at a signal or the end of a disk. */
function writeFully(file: number, chunk: Uint8Array): void {
  for (let written = 0; written < chunk.length; ) written += writeSync(file, chunk, written)
}

function onDisk<T>(path: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw diskFault(error, 'write', path)
  }
}
