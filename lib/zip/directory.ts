/** Reads the directory of a zip archive by ranged reads, without reading the archive itself. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { ZipLimits } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { type ArchiveFile, asBuffer, badDirectory, type ReadRange, readZipEnd, type ZipEnd } from './end.ts'
import { entryBytes, entryLength, isEntry, readEntry } from './entry.ts'
import { EntryTable, type ZipEntry } from './entry-table.ts'
import { localBytes, reachBytes } from './local-header.ts'
import { indexesByOffset } from './member-list.ts'

export interface ZipDirectory {
  /** In directory order, directories and duplicates included. */
  readonly table: EntryTable
  /** All entries of the table as objects: for archives of few members, and for tests. */
  readonly entries: readonly ZipEntry[]
  /** SHA-256 of the directory's bytes, in hexadecimal. */
  readonly identity: string
  readonly directoryBytes: number
}

export interface DirectoryOptions extends Pick<ArchiveFile, 'key' | 'isNested'> {
  readonly limits: Pick<ZipLimits, 'memberCountMax'> & Partial<Pick<ZipLimits, 'nameBytesMax'>>
}

/** Bytes of the directory that are in memory at once, however long it is. */
const windowBytesMax = 8 * 1024 * 1024
/** Bytes by which members may overlap: some writers let the next header overwrite a descriptor, while bombs overlap by whole members. */
const overlapSlackBytes = 16

/**
 * Takes two reads for a directory of up to 8 MiB (about 80,000 members), one if it is short, and one more for each further 8 MiB.
 * An entry that is wrong by itself gets a `fault`, and the others stay readable. Memory: 8 MiB and the table.
 * @throws ZIP_NO_DIRECTORY, ZIP_BAD_DIRECTORY; ZIP_LIMIT when there are too many members
 */
export async function readZipDirectory(
  read: ReadRange,
  sizeBytes: number,
  { key, limits, isNested }: DirectoryOptions,
): Promise<ZipDirectory> {
  const end = await readZipEnd(read, { sizeBytes, key, isNested })
  checkCount(end.entryCount, limits.memberCountMax, key)
  const window = new DirectoryWindow(read, end)
  const table = await readTable(window, end, { key, limits })
  checkComplete(table.length, end, key)
  placeEntries(table, end)
  return {
    table,
    get entries() {
      return Array.from({ length: table.length }, (_, index) => table.get(index))
    },
    identity: window.hash.digest('hex'),
    directoryBytes: end.directory.end - end.directory.start,
  }
}

/** Reads the directory's bytes in order, a window at a time, and hashes them. */
class DirectoryWindow {
  readonly hash = createHash('sha256')
  readonly #read: ReadRange
  readonly #end: ZipEnd
  bytes = Buffer.alloc(0)
  start: number

  constructor(read: ReadRange, end: ZipEnd) {
    this.#read = read
    this.#end = end
    this.start = end.directory.start
  }

  holds(position: number, length: number): boolean {
    return position + length <= this.start + this.bytes.length
  }

  /** Moves the window to `position` until it holds `length` bytes, or all that there are. */
  async reach(position: number, length: number): Promise<void> {
    while (!this.holds(position, length)) {
      const next = this.start + this.bytes.length
      if (next >= this.#end.directory.end) return
      const more = await this.#fetch(next)
      this.hash.update(more)
      this.bytes = Buffer.concat([this.bytes.subarray(position - this.start), more])
      this.start = position
    }
  }

  async #fetch(start: number): Promise<Buffer> {
    const { directory, tail } = this.#end
    if (start >= tail.start) return tail.bytes.subarray(start - tail.start, directory.end - tail.start)
    const wanted = Math.min(start + windowBytesMax, directory.end)
    // The tail was read already, so a read stops where the tail begins.
    const range = { start, end: Math.min(wanted, tail.start) }
    return asBuffer(await this.#read(range))
  }
}

/** Reads the entries, deliberately by the directory's length and not by its count, because a count that is too low would drop members silently. */
async function readTable(
  window: DirectoryWindow,
  { directory, prefixBytes }: ZipEnd,
  { key, limits }: DirectoryOptions,
): Promise<EntryTable> {
  const { memberCountMax, nameBytesMax = 0xffff } = limits
  const countMax = Math.floor((directory.end - directory.start) / entryBytes)
  const table = new EntryTable(Math.min(countMax, memberCountMax) + 1)
  for (let at = directory.start; at < directory.end; ) {
    if (!window.holds(at, entryBytes)) await window.reach(at, entryBytes)
    if (!window.holds(at, entryBytes)) throw badEntry(key, at, 'an entry is cut short')
    if (!isEntry(window.bytes, at - window.start)) throw badEntry(key, at, 'expected an entry, got other bytes')
    const length = entryLength(window.bytes, at - window.start)
    if (!window.holds(at, length)) await window.reach(at, length)
    if (!window.holds(at, length)) throw badEntry(key, at, 'an entry reaches beyond the directory')
    table.add(readEntry(window.bytes, at - window.start, { prefixBytes, nameBytesMax }))
    checkCount(table.length, memberCountMax, key)
    at += length
  }
  return table
}

function badEntry(key: string, offset: number, what: string): PermanentError {
  return badDirectory(key, `${what}, in the entry at ${offset}`, { offset })
}

function checkCount(count: number, memberCountMax: number, key: string): void {
  if (count <= memberCountMax) return
  const message = `${key}: expected at most ${memberCountMax} members, got ${count}; raise limits.memberCountMax if the archive is trusted`
  throw new PermanentError('ZIP_LIMIT', message, { key, memberCount: count, memberCountMax })
}

function checkComplete(count: number, { entryCount, isZip64 }: ZipEnd, key: string): void {
  const stated = isZip64 ? count : count % 0x10000
  if (stated === entryCount) return
  throw badDirectory(key, `expected ${entryCount} entries as its end record says, got ${count}`, { entryCount, count })
}

/** Sets the offset before which each entry must end, and marks the entries that reach into the directory. */
function placeEntries(table: EntryTable, { directory }: ZipEnd): void {
  const { headerOffsets, endOffsets, faults, nameBytes, compressedBytes } = table.columns
  const order = indexesByOffset(headerOffsets, table.length)
  for (let place = 0; place < order.length; place++) {
    const index = order[place] as number
    const after = order[place + 1]
    const headerOffset = headerOffsets[index] as number
    const next = Math.min(directory.start, after === undefined ? directory.start : (headerOffsets[after] as number))
    const sizes = { nameBytes: nameBytes[index] ?? 0, compressedBytes: compressedBytes[index] ?? 0 }
    const ownEnd = headerOffset + localBytes(sizes)
    const isOverlapping = ownEnd > next + overlapSlackBytes
    endOffsets[index] = isOverlapping ? next : Math.max(ownEnd, Math.min(next, headerOffset + reachBytes(sizes)))
    if (ownEnd > directory.start) faults[index] ||= 2
  }
}
