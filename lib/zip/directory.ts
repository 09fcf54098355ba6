/** Reads the directory of a zip archive by ranged reads, never the archive itself. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { ZipLimits } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { asBuffer, badDirectory, type ReadRange, readZipEnd, type ZipEnd } from './end.ts'
import { entryBytes, entryLength, isEntry, readEntry } from './entry.ts'
import { EntryTable, type ZipEntry } from './entry-table.ts'
import { localBytes, reachBytes } from './local-header.ts'
import { indexesByOffset } from './member-list.ts'

export type { ZipEntry } from './entry-table.ts'

export interface ZipDirectory {
  /** In directory order, directories and duplicates included. */
  readonly table: EntryTable
  /** Every entry of the table as an object: for archives of a few members, and tests. */
  readonly entries: readonly ZipEntry[]
  /** SHA-256 of the directory's bytes, in hexadecimal. */
  readonly identity: string
  readonly directoryBytes: number
}

export interface DirectoryOptions {
  /** The archive's key, for errors. */
  readonly key: string
  readonly limits: Pick<ZipLimits, 'memberCountMax'> & Partial<Pick<ZipLimits, 'nameBytesMax'>>
}

/** Memory for the directory's bytes is bounded by this, however long the directory. */
const windowBytesMax = 8 * 1024 * 1024
/** Honest archives of odd writers overlap by a descriptor that the next header overwrote; bombs by whole members. */
const overlapSlackBytes = 16

/**
 * Two reads for a directory of up to 8 MiB (about 80,000 members), one if it is short, and one more per further 8 MiB.
 * What is wrong with a single entry is noted with it (`fault`). Memory: 8 MiB and the table.
 * @throws ZIP_NO_DIRECTORY, ZIP_BAD_DIRECTORY; ZIP_LIMIT when there are too many members
 */
export async function readZipDirectory(
  read: ReadRange,
  sizeBytes: number,
  { key, limits }: DirectoryOptions,
): Promise<ZipDirectory> {
  const end = await readZipEnd(read, sizeBytes, key)
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

/** The directory's bytes in order, a window at a time, hashed as they come. */
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

  /** Makes the window begin at `position` and hold `length` bytes, or all that there are. */
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
    // The tail is here already, so a read stops where it begins.
    const range = { start, end: Math.min(wanted, tail.start) }
    return asBuffer(await this.#read(range))
  }
}

/** Deliberately by the directory's length, not its count, because a count that says too little would drop members silently. */
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
  const message = `${key}: expected at most ${memberCountMax} members, got ${count}; raise limits.memberCountMax if that is right`
  throw new PermanentError('ZIP_LIMIT', message, { key, memberCount: count, memberCountMax })
}

function checkComplete(count: number, { entryCount, isZip64 }: ZipEnd, key: string): void {
  const stated = isZip64 ? count : count % 0x10000
  if (stated === entryCount) return
  throw badDirectory(key, `expected ${entryCount} entries as its end record says, got ${count}`, { entryCount, count })
}

/** Gives every entry the place where it must end, and notes those that reach into the directory. */
function placeEntries(table: EntryTable, { directory }: ZipEnd): void {
  const { headerOffsets, endOffsets, faults } = table
  const order = indexesByOffset(headerOffsets, table.length)
  for (let place = 0; place < order.length; place++) {
    const index = order[place] as number
    const after = order[place + 1]
    const headerOffset = headerOffsets[index] as number
    const next = Math.min(directory.start, after === undefined ? directory.start : (headerOffsets[after] as number))
    const sizes = { nameBytes: table.nameBytes[index] ?? 0, compressedBytes: table.compressedBytes[index] ?? 0 }
    const ownEnd = headerOffset + localBytes(sizes)
    const isOverlapping = ownEnd > next + overlapSlackBytes
    endOffsets[index] = isOverlapping ? next : Math.max(ownEnd, Math.min(next, headerOffset + reachBytes(sizes)))
    if (ownEnd > directory.start) faults[index] ||= 2
  }
}
