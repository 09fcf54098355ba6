/** Builds zip archives byte by byte, honest or hostile, for tests. */
import { crc32, deflateRawSync } from 'node:zlib'

/** One member; everything but name and data has the value of an honest archive by default. */
export interface MemberSpec {
  /** A string is written as UTF-8 (flag set when not ASCII); bytes are written as they are, without the flag. */
  readonly name: string | Uint8Array
  readonly data?: string | Uint8Array
  /** 0 stored, 8 deflated (default); any other id stores the bytes under that id. */
  readonly method?: number
  readonly level?: number
  /** The text of `data` when it is inflated, where it is deflated already. */
  readonly compressed?: { readonly crc32: number; readonly inflatedBytes: number }
  /** Puts sizes and offset into the zip64 extra field, also small ones. */
  readonly zip64?: boolean
  /** Writes sizes and CRC after the data, as streaming writers do. */
  readonly descriptor?: boolean
  /** Sets the flag only; nothing is encrypted. */
  readonly encrypted?: boolean
  /** The UTF-8 name of an Info-ZIP unicode path field (0x7075). */
  readonly unicodeName?: string
  readonly localExtra?: Uint8Array
  /** Replaces the extra field of the directory's entry. */
  readonly centralExtra?: Uint8Array
  /** External file attributes; default 0. */
  readonly attributes?: number
  readonly comment?: string
  /** The system of the writer: 0 DOS (default), 3 Unix, 19 macOS. */
  readonly system?: number
  /** Hole before the local header, in bytes: not for buildZip, which makes one buffer. */
  readonly holeBefore?: number
  /** Values of the headers that differ from the truth. */
  readonly declared?: {
    readonly crc32?: number
    readonly compressedBytes?: number
    readonly inflatedBytes?: number
    readonly headerOffset?: number
    readonly localName?: string
    readonly flags?: number
  }
}

export interface ZipOptions {
  /** Bytes before the first member, such as the stub of a self-extracting archive. */
  readonly prefix?: Uint8Array
  /** Whether offsets count the prefix; default false, as `cat stub a.zip` makes them. */
  readonly adjusted?: boolean
  readonly comment?: string | Uint8Array
  /** Writes a zip64 end record, also for small numbers. */
  readonly zip64?: boolean
  /** Bytes between the directory and its end record. */
  readonly afterDirectory?: Uint8Array
  readonly entryCount?: number
  readonly directoryOffset?: number
  readonly directoryBytes?: number
}

export type Members = Readonly<Record<string, string | Uint8Array>> | readonly MemberSpec[]

/** Bytes at an offset, with holes between pieces. */
export interface Piece {
  readonly offset: number
  readonly bytes: Buffer
}

/** Builds an archive as one buffer: `buildZip({ 'a.csv': 'x\n1\n' })`. */
export function buildZip(members: Members, options: ZipOptions = {}): Buffer {
  return Buffer.concat(layoutZip(members, options).pieces.map(piece => piece.bytes))
}

/** Builds an archive as pieces with holes between them, for archives larger than memory. */
export function layoutZip(
  members: Members,
  options: ZipOptions = {},
): { readonly pieces: readonly Piece[]; readonly sizeBytes: number } {
  const prefix = Buffer.from(options.prefix ?? Buffer.alloc(0))
  const base = options.adjusted ? 0 : prefix.length
  const pieces: Piece[] = [{ offset: 0, bytes: prefix }]
  const directory: Buffer[] = []
  let at = prefix.length
  for (const spec of listMembers(members)) {
    at += spec.holeBefore ?? 0
    const packed = packMember(spec, at - base)
    pieces.push({ offset: at, bytes: packed.local })
    directory.push(packed.central)
    at += packed.local.length
  }
  const bytes = Buffer.concat(directory)
  const end = endRecords(at - base, bytes.length, directory.length, options)
  const tail = Buffer.concat([bytes, options.afterDirectory ?? Buffer.alloc(0), end])
  pieces.push({ offset: at, bytes: tail })
  return { pieces, sizeBytes: at + tail.length }
}

function listMembers(members: Members): readonly MemberSpec[] {
  return Array.isArray(members) ? members : Object.entries(members).map(([name, data]) => ({ name, data }))
}

interface Facts {
  readonly spec: MemberSpec
  readonly name: Buffer
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedBytes: number
  readonly inflatedBytes: number
  readonly headerOffset: number
}

function packMember(spec: MemberSpec, headerOffset: number): { local: Buffer; central: Buffer } {
  const data = typeof spec.data === 'string' ? Buffer.from(spec.data) : Buffer.from(spec.data ?? '')
  const name = Buffer.from(spec.name)
  const method = spec.method ?? (name.at(-1) === 0x2f ? 0 : 8)
  const body = method === 8 && !spec.compressed ? deflateRawSync(data, { level: spec.level ?? 6 }) : data
  const isUtf8 = typeof spec.name === 'string' && spec.name.length !== name.length
  const facts: Facts = {
    spec,
    name,
    flags: (spec.declared?.flags ?? 0) | (spec.encrypted ? 1 : 0) | (spec.descriptor ? 8 : 0) | (isUtf8 ? 0x800 : 0),
    method,
    crc: spec.declared?.crc32 ?? spec.compressed?.crc32 ?? crc32(data),
    compressedBytes: spec.declared?.compressedBytes ?? body.length,
    inflatedBytes: spec.declared?.inflatedBytes ?? spec.compressed?.inflatedBytes ?? data.length,
    headerOffset: spec.declared?.headerOffset ?? headerOffset,
  }
  return { local: Buffer.concat([localHeader(facts), body, descriptor(facts)]), central: centralHeader(facts) }
}

/** Writes a local header (4.3.7 of APPNOTE.TXT). */
function localHeader(facts: Facts): Buffer {
  const { spec, flags, method } = facts
  const name = spec.declared?.localName === undefined ? facts.name : Buffer.from(spec.declared.localName)
  const [crc, compressed, inflated] = spec.descriptor
    ? [0, 0, 0]
    : [facts.crc, facts.compressedBytes, facts.inflatedBytes]
  const extra = Buffer.concat([
    spec.zip64 ? field(1, u64(inflated), u64(compressed)) : Buffer.alloc(0),
    unicodeField(facts),
    spec.localExtra ?? Buffer.alloc(0),
  ])
  return Buffer.concat([
    u32(0x04034b50),
    u16(spec.zip64 ? 45 : 20, flags, method, 0, 0x5a21),
    u32(crc, spec.zip64 ? 0xffffffff : compressed, spec.zip64 ? 0xffffffff : inflated),
    u16(name.length, extra.length),
    name,
    extra,
  ])
}

/** Writes an entry of the directory (4.3.12 of APPNOTE.TXT). */
function centralHeader(facts: Facts): Buffer {
  const { spec, name, flags, method, crc, compressedBytes, inflatedBytes, headerOffset } = facts
  const sizes = [inflatedBytes, compressedBytes].filter(size => spec.zip64 || size > 0xffffffff)
  const isFar = spec.zip64 || headerOffset > 0xffffffff
  const wide = [...sizes, ...(isFar ? [headerOffset] : [])]
  const zip64Field = wide.length > 0 ? field(1, ...wide.map(u64)) : Buffer.alloc(0)
  const extra = Buffer.from(spec.centralExtra ?? Buffer.concat([zip64Field, unicodeField(facts)]))
  const comment = Buffer.from(spec.comment ?? '')
  const narrow = (value: number) => (spec.zip64 || value > 0xffffffff ? 0xffffffff : value)
  return Buffer.concat([
    u32(0x02014b50),
    u16(((spec.system ?? 0) << 8) | 20, spec.zip64 ? 45 : 20, flags, method, 0, 0x5a21),
    u32(crc, narrow(compressedBytes), narrow(inflatedBytes)),
    u16(name.length, extra.length, comment.length, 0, 0),
    u32(spec.attributes ?? 0, narrow(headerOffset)),
    name,
    extra,
    comment,
  ])
}

function descriptor({ spec, crc, compressedBytes, inflatedBytes }: Facts): Buffer {
  if (!spec.descriptor) return Buffer.alloc(0)
  const sizes = spec.zip64 ? [u64(compressedBytes), u64(inflatedBytes)] : [u32(compressedBytes, inflatedBytes)]
  return Buffer.concat([u32(0x08074b50, crc), ...sizes])
}

function unicodeField({ spec, name }: Facts): Buffer {
  if (spec.unicodeName === undefined) return Buffer.alloc(0)
  return field(0x7075, Buffer.from([1]), u32(crc32(name)), Buffer.from(spec.unicodeName))
}

/** Writes the end records (4.3.14 to 4.3.16 of APPNOTE.TXT). */
function endRecords(offset: number, sizeBytes: number, count: number, options: ZipOptions): Buffer {
  const start = options.directoryOffset ?? offset
  const bytes = options.directoryBytes ?? sizeBytes
  const entries = options.entryCount ?? count
  const isWide = options.zip64 || start > 0xfffffffe || entries > 0xfffe
  const comment = Buffer.from(options.comment ?? '')
  const recordOffset = offset + sizeBytes + (options.afterDirectory?.length ?? 0)
  const wide = [
    u32(0x06064b50),
    u64(44),
    u16(45, 45),
    u32(0, 0),
    ...[entries, entries, bytes, start].map(u64),
    u32(0x07064b50, 0),
    u64(recordOffset),
    u32(1),
  ]
  const [count16, bytes32, start32] = isWide ? [0xffff, 0xffffffff, 0xffffffff] : [entries, bytes, start]
  const end = [u32(0x06054b50), u16(0, 0, count16, count16), u32(bytes32, start32), u16(comment.length), comment]
  return Buffer.concat([...(isWide ? wide : []), ...end])
}

function field(id: number, ...parts: readonly Buffer[]): Buffer {
  const data = Buffer.concat(parts)
  return Buffer.concat([u16(id, data.length), data])
}

function u16(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2)
  values.forEach((value, index) => {
    buffer.writeUInt16LE(value, index * 2)
  })
  return buffer
}

function u32(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => {
    buffer.writeUInt32LE(value, index * 4)
  })
  return buffer
}

function u64(value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt(value))
  return buffer
}
