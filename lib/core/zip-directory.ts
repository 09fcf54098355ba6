/** Reads the directory of a zip archive by ranged reads, never the archive itself. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import * as yauzl from 'yauzl'
import type { ZipLimits } from '../define/definition.ts'
import type { ByteRange } from './byte-range.ts'
import { FanmillError, PermanentError } from './errors.ts'
import { asBuffer, badDirectory, type ReadRange, readZipEnd, type ZipEnd } from './zip-end.ts'
import { localBytes, reachBytes } from './zip-local.ts'
import { decodeZipName } from './zip-names.ts'

/** A member as the directory declares it: nothing here was checked against the member itself. */
export interface ZipEntry {
  /** Decoded, otherwise as it is: may be unsafe as a path. */
  readonly name: string
  readonly nameBytes: number
  readonly isDirectory: boolean
  /** Offset of the local header in the file, a prefix counted. */
  readonly headerOffset: number
  /** Header and data end before this: where the next member or the directory begins, or the farthest they can reach. Too little for them when members overlap. */
  readonly endOffset: number
  readonly compressedBytes: number
  readonly inflatedBytes: number
  readonly crc32: number
  readonly method: number
  readonly isEncrypted: boolean
}

export interface ZipDirectory {
  /** In directory order, directories and duplicates included. */
  readonly entries: readonly ZipEntry[]
  /** SHA-256 of the directory's bytes, in hexadecimal. */
  readonly identity: string
  readonly directoryBytes: number
}

export interface DirectoryOptions {
  /** The archive's key, for errors. */
  readonly key: string
  readonly limits: Pick<ZipLimits, 'memberCountMax'>
}

/** Memory for the directory's bytes is bounded by this, however long the directory. */
const windowBytesMax = 8 * 1024 * 1024
/** Honest archives of odd writers overlap by a descriptor that the next header overwrote; bombs by whole members. */
const overlapSlackBytes = 16

/**
 * Two reads for a directory of up to 8 MiB (about 80,000 members), one if it is short, and one more per further 8 MiB.
 * Memory: 8 MiB and the entries.
 * @throws ZIP_NO_DIRECTORY, ZIP_BAD_DIRECTORY; ZIP_LIMIT when there are too many members; ZIP_ENCRYPTED for an encrypted directory
 */
export async function readZipDirectory(
  read: ReadRange,
  sizeBytes: number,
  { key, limits }: DirectoryOptions,
): Promise<ZipDirectory> {
  const end = await readZipEnd(read, sizeBytes, key)
  checkCount(end.entryCount, limits.memberCountMax, key)
  const window = new DirectoryWindow(read, end)
  const raw = await collectEntries(window, end, { key, limits })
  checkComplete(raw.length, end, key)
  return {
    entries: placeEntries(raw, end, key),
    identity: window.hash.digest('hex'),
    directoryBytes: end.directory.end - end.directory.start,
  }
}

/** What yauzl reads through: the directory's bytes in order, a window at a time, hashed as they come. */
class DirectoryWindow extends yauzl.RandomAccessReader {
  readonly hash = createHash('sha256')
  readonly #read: ReadRange
  readonly #end: ZipEnd
  #bytes = Buffer.alloc(0)
  #start: number

  constructor(read: ReadRange, end: ZipEnd) {
    super()
    this.#read = read
    this.#end = end
    this.#start = end.directory.start
  }

  /** Calls back at once when the bytes are in the window: then an entry costs no turn of the event loop. */
  override read(target: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void) {
    const at = position - this.#start
    if (at + length <= this.#bytes.length) {
      this.#bytes.copy(target, offset, at, at + length)
      done(null)
    } else if (position + length > this.#end.directory.end) {
      done(new Error('an entry reaches beyond its end'))
    } else {
      this.#advance(position).then(() => this.read(target, offset, length, position, done), done)
    }
  }

  async #advance(position: number): Promise<void> {
    const next = this.#start + this.#bytes.length
    const more = await this.#fetch(next)
    this.hash.update(more)
    this.#bytes = Buffer.concat([this.#bytes.subarray(position - this.#start), more])
    this.#start = position
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
async function collectEntries(
  window: DirectoryWindow,
  { directory, prefixBytes }: ZipEnd,
  { key, limits }: DirectoryOptions,
): Promise<Draft[]> {
  const next = entryReader(window, directory)
  const drafts: Draft[] = []
  for (let cursor = directory.start; cursor < directory.end; ) {
    const entry = await next().catch(error => {
      throw mapped(error, key, cursor)
    })
    cursor += 46 + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
    drafts.push(toDraft(entry, prefixBytes))
    checkCount(drafts.length, limits.memberCountMax, key)
  }
  return drafts
}

/** An entry whose `endOffset` is not known before all are read. */
interface Draft extends ZipEntry {
  endOffset: number
}

/** Pulls one entry at a time out of yauzl's events. */
function entryReader(window: DirectoryWindow, directory: ByteRange): () => Promise<yauzl.Entry> {
  const neverDone = Number.MAX_SAFE_INTEGER
  const zip = new yauzl.ZipFile(window, directory.start, directory.end, neverDone, '', false, true, false, false)
  let settle: { resolve: (entry: yauzl.Entry) => void; reject: (error: Error) => void } | undefined
  zip.on('entry', entry => settle?.resolve(entry))
  zip.on('error', error => settle?.reject(error))
  return () =>
    new Promise((resolve, reject) => {
      settle = { resolve, reject }
      zip.readEntry()
    })
}

function toDraft(entry: yauzl.Entry, prefixBytes: number): Draft {
  const name = decodeZipName(entry)
  return {
    name,
    nameBytes: entry.fileNameLength,
    // One with content is none: a changed name must not make a member vanish.
    isDirectory: name.endsWith('/') && entry.uncompressedSize === 0,
    headerOffset: entry.relativeOffsetOfLocalHeader + prefixBytes,
    endOffset: 0,
    compressedBytes: entry.compressedSize,
    inflatedBytes: entry.uncompressedSize,
    crc32: entry.crc32,
    method: entry.compressionMethod,
    isEncrypted: entry.isEncrypted(),
  }
}

function mapped(error: unknown, key: string, offset: number): unknown {
  if (error instanceof FanmillError || !(error instanceof Error)) return error
  if (error.message === 'strong encryption is not supported') {
    const message = 'expected members that are not encrypted, got strong encryption; decrypt the archive first'
    return new PermanentError('ZIP_ENCRYPTED', message, { key, offset }, { cause: error })
  }
  return badDirectory(key, `${error.message}, in the entry at ${offset}`, { offset })
}

function checkCount(count: number, memberCountMax: number, key: string): void {
  if (count <= memberCountMax) return
  const message = `expected at most ${memberCountMax} members, got ${count}; raise limits.memberCountMax if that is right`
  throw new PermanentError('ZIP_LIMIT', message, { key, memberCount: count, memberCountMax })
}

function checkComplete(count: number, { entryCount, isZip64 }: ZipEnd, key: string): void {
  const stated = isZip64 ? count : count % 0x10000
  if (stated === entryCount) return
  throw badDirectory(key, `expected ${entryCount} entries as its end record says, got ${count}`, { entryCount, count })
}

/** Gives every entry the place where it must end, and refuses those that reach into the directory. */
function placeEntries(drafts: readonly Draft[], { directory }: ZipEnd, key: string): readonly ZipEntry[] {
  const sorted = drafts.toSorted((a, b) => a.headerOffset - b.headerOffset)
  for (const [index, draft] of sorted.entries()) {
    const next = sorted[index + 1]?.headerOffset ?? directory.start
    const ownEnd = draft.headerOffset + localBytes(draft)
    const isOverlapping = ownEnd > next + overlapSlackBytes
    draft.endOffset = isOverlapping ? next : Math.max(ownEnd, Math.min(next, draft.headerOffset + reachBytes(draft)))
    if (ownEnd <= directory.start) continue
    const { name, headerOffset, compressedBytes } = draft
    const what = `member ${name} at ${headerOffset} with ${compressedBytes} bytes reaches beyond ${directory.start}`
    throw badDirectory(key, what, { member: name, headerOffset, compressedBytes })
  }
  return drafts
}
