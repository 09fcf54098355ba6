/** Keeps the entries of an archive as columns of numbers: 45 bytes and the name for each, however many there are. */
import { Buffer } from 'node:buffer'
import type { MemberSpan } from './member-list.ts'

/** A member as the directory declares it; nothing was checked against the member itself. */
export interface ZipEntry extends MemberSpan {
  /** Decoded and in its one spelling (`memberPath`); may be unsafe as a path. */
  readonly name: string
  readonly nameBytes: number
  readonly isDirectory: boolean
  readonly crc32: number
  readonly method: number
  readonly isEncrypted: boolean
  /** Why the entry itself is wrong; absent where it is not. */
  readonly fault?: EntryFault | undefined
}

/** The fault of an entry itself, and what to do. */
export interface EntryFault {
  readonly code: 'ZIP_BAD_MEMBER' | 'TAR_BAD_MEMBER'
  readonly what: string
}

export const damage = 'the archive is damaged, get it again'
const inZip = (what: string): EntryFault => ({ code: 'ZIP_BAD_MEMBER', what: `${what}; ${damage}` })
const inTar = (what: string, advice = "leave it out with a members glob, or set onBadMember: 'skip'"): EntryFault => ({
  code: 'TAR_BAD_MEMBER',
  what: `${what}; ${advice}`,
})

/** Faults of single entries, which leave the others readable. */
const entryFaults: readonly (EntryFault | undefined)[] = [
  undefined,
  inZip('expected its sizes and its offset in the zip64 extra field, got too few numbers'),
  inZip('expected a member that ends before the directory, got a longer one'),
  // Codes of tar archives: `tarFaults`.
  inTar('expected a file, got a link'),
  inTar('expected a file, got a device or a pipe'),
  inTar('expected a file with all its bytes, got a sparse file', 'write the archive without --sparse'),
  inTar('expected a file, got an entry of another kind'),
  inTar(
    'expected one file of this name, got a later one too, which replaces it',
    "set onBadMember: 'skip' to read the later one",
  ),
]

export interface EntryFacts extends Omit<ZipEntry, 'fault' | 'endOffset'> {
  /** Index into `entryFaults`. */
  readonly fault: number
}

const directoryBit = 1
const encryptedBit = 2
/** Bytes for each name at first; the room doubles when it is full. */
const nameBytesExpected = 32

/** Returns the numbers of entries, a column for each. The machine provides memory only as entries fill it. */
const createColumns = (capacity: number) => ({
  headerOffsets: new Float64Array(capacity),
  endOffsets: new Float64Array(capacity),
  compressedBytes: new Float64Array(capacity),
  inflatedBytes: new Float64Array(capacity),
  crcs: new Uint32Array(capacity),
  methods: new Uint16Array(capacity),
  nameBytes: new Uint16Array(capacity),
  flags: new Uint8Array(capacity),
  faults: new Uint8Array(capacity),
  nameEnds: new Float64Array(capacity),
})

type Columns = ReturnType<typeof createColumns>

export class EntryTable {
  readonly columns: Columns
  #names: Buffer
  #count = 0

  /** `capacity` is the most entries. */
  constructor(capacity: number) {
    this.columns = createColumns(capacity)
    this.#names = Buffer.alloc(capacity * nameBytesExpected)
  }

  get length(): number {
    return this.#count
  }

  get capacity(): number {
    return this.columns.headerOffsets.length
  }

  /** Returns a table of the same entries with room for more. */
  withCapacity(capacity: number): EntryTable {
    const larger = new EntryTable(capacity)
    for (const [name, column] of Object.entries(this.columns)) larger.columns[name as keyof Columns].set(column)
    larger.#names = Buffer.concat([this.#names], Math.max(this.#names.length, capacity * nameBytesExpected))
    larger.#count = this.#count
    return larger
  }

  add(entry: EntryFacts): void {
    const index = this.#count++
    this.columns.headerOffsets[index] = entry.headerOffset
    this.columns.compressedBytes[index] = entry.compressedBytes
    this.columns.inflatedBytes[index] = entry.inflatedBytes
    this.columns.crcs[index] = entry.crc32
    this.columns.methods[index] = entry.method
    this.columns.nameBytes[index] = entry.nameBytes
    this.columns.flags[index] = (entry.isDirectory ? directoryBit : 0) | (entry.isEncrypted ? encryptedBit : 0)
    this.columns.faults[index] = entry.fault
    this.columns.nameEnds[index] = this.#addName(entry.name, this.#nameStart(index))
  }

  /** Returns the entry at an index below `length` as an object of its own. */
  get(index: number): ZipEntry {
    const flags = this.columns.flags[index] ?? 0
    const fault = entryFaults[this.columns.faults[index] ?? 0]
    return {
      name: this.name(index),
      nameBytes: this.columns.nameBytes[index] ?? 0,
      isDirectory: (flags & directoryBit) !== 0,
      ...this.span(index),
      crc32: this.columns.crcs[index] ?? 0,
      method: this.columns.methods[index] ?? 0,
      isEncrypted: (flags & encryptedBit) !== 0,
      fault,
    }
  }

  name(index: number): string {
    return this.#names.toString('utf8', this.#nameStart(index), this.columns.nameEnds[index])
  }

  isDirectory(index: number): boolean {
    return ((this.columns.flags[index] ?? 0) & directoryBit) !== 0
  }

  span(index: number): MemberSpan {
    return {
      headerOffset: this.columns.headerOffsets[index] ?? 0,
      endOffset: this.columns.endOffsets[index] ?? 0,
      compressedBytes: this.columns.compressedBytes[index] ?? 0,
      inflatedBytes: this.columns.inflatedBytes[index] ?? 0,
    }
  }

  #nameStart(index: number): number {
    return index === 0 ? 0 : (this.columns.nameEnds[index - 1] ?? 0)
  }

  /** Writes a name and returns the offset of its end. */
  #addName(name: string, start: number): number {
    const longest = start + 3 * name.length
    if (longest > this.#names.length)
      this.#names = Buffer.concat([this.#names], Math.max(longest, 2 * this.#names.length))
    return start + this.#names.write(name, start)
  }
}
