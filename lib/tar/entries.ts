/** Reads the entries of a tar archive one after another, strictly: what would be read in several ways is refused. */
import type { Buffer } from 'node:buffer'
import { PermanentError } from '../errors/errors.ts'
import { blockBytes, isZeroBlock, nameIn, readHeader, type TarHeader } from './header.ts'
import { readPax } from './pax.ts'
import type { TarBytes } from './tar-bytes.ts'

export interface TarEntry {
  readonly name: string
  /** Offset of the header right before the content. */
  readonly headerOffset: number
  readonly sizeBytes: number
  readonly isDirectory: boolean
  /** Index into the faults of entries, 0 for none: why the entry is no file with content of its own. */
  readonly fault: TarFault
}

/** Why an entry cannot be read, by the index that `EntryTable` keeps. */
export const tarFaults = { none: 0, link: 3, special: 4, sparse: 5, unknown: 6 } as const
type TarFault = (typeof tarFaults)[keyof typeof tarFaults]

/** Limit on names and extended headers, which are held in memory. */
const extensionBytesMax = 1024 * 1024

/**
 * Yields the entries in order. The bytes stand at the content of the last entry then, and are passed over where nobody reads them.
 * @throws TAR_DAMAGED, with the archive and the offset: for a header whose checksum is wrong, an archive that is cut short, has no end,
 * or has other bytes behind its end
 */
export async function* tarEntries(bytes: TarBytes, key: string): AsyncGenerator<TarEntry> {
  let extra: Extra = {}
  for (;;) {
    const { offset } = bytes
    const damage = damagedAt(key, offset)
    const block = await takeBlock(bytes, damage)
    if (isZeroBlock(block)) {
      await checkEnd(bytes, key, extra)
      return
    }
    const header = readHeader(block)
    if (!header) throw damage(offset === 0 ? notTar(block) : 'expected a header, got bytes with another checksum')
    const extension = extensions[header.type]
    if (extension) {
      extra = extension(extra, await takeContent(bytes, header, damage), damage)
      continue
    }
    const entry = entryOf(header, extra, damage)
    extra = {}
    if (header.type === 'S') await passSparseMap(bytes, header.isExtended, key)
    const next = bytes.offset + padded(entry.sizeBytes)
    yield { ...entry, headerOffset: bytes.offset - blockBytes }
    if (bytes.offset < next) await bytes.skip(next - bytes.offset)
  }
}

const padded = (sizeBytes: number): number => Math.ceil(sizeBytes / blockBytes) * blockBytes

/** Data of an entry from the headers before it. */
interface Extra {
  readonly name?: string
  readonly link?: string
  readonly sizeBytes?: number
  readonly isSparse?: boolean
}

type Damage = (what: string) => PermanentError
type Extension = (extra: Extra, content: Buffer, damage: Damage) => Extra

/** The kinds of headers that describe the next entry, or all that follow. */
const extensions: Readonly<Record<string, Extension>> = {
  L: (extra, content) => ({ ...extra, name: nameIn(content) }),
  K: (extra, content) => ({ ...extra, link: nameIn(content) }),
  x: (extra, content, damage) => ({ ...extra, ...readExtra(content, damage) }),
  X: (extra, content, damage) => ({ ...extra, ...readExtra(content, damage) }),
  g(extra, content, damage) {
    const { name, link, sizeBytes, isSparse } = readExtra(content, damage)
    const isForAll = [name, link, sizeBytes, isSparse].some(each => each !== undefined)
    if (isForAll) throw damage('expected a header for all files without names and sizes, got one with them')
    return extra
  },
}

function readExtra(content: Buffer, damage: Damage): Extra {
  const records = readPax(content)
  if (!records) throw damage('expected an extended header of records "length key=value", got other bytes')
  const [path, link, size] = ['path', 'linkpath', 'size'].map(key => records.get(key))
  // A sparse file has another name in `path`, for programs that do not know sparse files.
  const name = records.get('GNU.sparse.name') ?? path
  const sizeBytes = size === undefined ? undefined : Number(size)
  if (sizeBytes !== undefined && !(/^\d+$/.test(size as string) && Number.isSafeInteger(sizeBytes)))
    throw damage(`expected a size in the extended header, got ${JSON.stringify(size)}`)
  if (name?.includes('\0')) throw damage('expected a name without NUL in the extended header, got one with it')
  const isSparse = [...records.keys()].some(key => key.startsWith('GNU.sparse.'))
  return {
    ...(name === undefined ? {} : { name }),
    ...(link === undefined ? {} : { link }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(isSparse ? { isSparse } : {}),
  }
}

function entryOf(header: TarHeader, extra: Extra, damage: Damage): Omit<TarEntry, 'headerOffset'> {
  const { type } = header
  const name = extra.name ?? header.name
  const sizeBytes = extra.sizeBytes ?? header.sizeBytes
  if (sizeBytes === undefined) throw damage(`expected the size of ${JSON.stringify(name)}, got no number`)
  if (type === 'M') throw damage('expected one file, got a part of an archive over several volumes; join it first')
  const isVolume = type === 'V'
  const isDirectory = type === '5' || isVolume || (isFile(type) && name.endsWith('/') && sizeBytes === 0)
  // Programs disagree whether a content follows here, so that one of them would read other files than Fanmill.
  if (sizeBytes > 0 && (isDirectory || '12346'.includes(type)))
    throw damage(
      `expected no content after ${JSON.stringify(name)}, which is ${kindNames[type] ?? 'no file'}, got ${sizeBytes} bytes`,
    )
  return { name, sizeBytes, isDirectory, fault: isDirectory ? tarFaults.none : faultOf(type, extra) }
}

const isFile = (type: string): boolean => type === '0' || type === '7'

const kindNames: Readonly<Record<string, string>> = {
  1: 'a hard link',
  2: 'a symbolic link',
  3: 'a device',
  4: 'a device',
  5: 'a folder',
  6: 'a pipe',
}

function faultOf(type: string, { isSparse }: Extra): TarFault {
  if (type === 'S' || isSparse) return tarFaults.sparse
  if (isFile(type)) return tarFaults.none
  if (type === '1' || type === '2') return tarFaults.link
  return '346'.includes(type) ? tarFaults.special : tarFaults.unknown
}

async function takeBlock(bytes: TarBytes, damage: Damage): Promise<Buffer> {
  const block = await bytes.take(blockBytes)
  if (block.length === blockBytes) return block
  const got = block.length === 0 ? 'the end of the file' : `${block.length} bytes`
  throw damage(`expected another header or two blocks of zeros, which end an archive, got ${got}; it was cut short`)
}

async function takeContent(
  bytes: TarBytes,
  { sizeBytes = Number.POSITIVE_INFINITY }: TarHeader,
  damage: Damage,
): Promise<Buffer> {
  if (sizeBytes > extensionBytesMax)
    throw damage(`expected a name or an extended header of at most ${extensionBytesMax} bytes, got ${sizeBytes}`)
  const content = await bytes.take(padded(sizeBytes))
  if (content.length < padded(sizeBytes)) throw damage('an extended header is cut short')
  return content.subarray(0, sizeBytes)
}

/** Passes over the blocks in which GNU continues the map of a sparse file. */
async function passSparseMap(bytes: TarBytes, isExtended: boolean, key: string): Promise<void> {
  for (let goesOn = isExtended; goesOn; ) {
    const block = await takeBlock(bytes, damagedAt(key, bytes.offset))
    // 504 - whether another block follows
    goesOn = block[504] === 1
  }
}

/** Checks that a second block of zeros follows, and after it only zeros: tapes and pipes pad archives. */
async function checkEnd(bytes: TarBytes, key: string, extra: Extra): Promise<void> {
  const damage = damagedAt(key, bytes.offset)
  const second = await bytes.take(blockBytes)
  if (second.length < blockBytes || !isZeroBlock(second))
    throw damage('expected a second block of zeros, which ends an archive, got none; it was cut short or damaged')
  if (Object.keys(extra).length > 0) throw damage('expected a file after an extended header, got the end')
  for (;;) {
    const damagedHere = damagedAt(key, bytes.offset)
    const rest = await bytes.take(paddingStepBytes)
    if (rest.length === 0) return
    if (rest.some(byte => byte !== 0))
      throw damagedHere(
        'expected only zeros after the end of the archive, got other bytes; archives that were joined with cat have to be taken apart',
      )
  }
}

const paddingStepBytes = 64 * 1024

/** Describes the beginning of a file that is no tar archive. */
const notTar = (block: Buffer): string =>
  block.toString('latin1', 0, 2) === 'PK'
    ? 'expected a tar archive, got a zip; let its name end in .zip'
    : 'expected a tar archive, got other bytes; its name says what it is'

/** Returns a function that makes the error for an archive that cannot be read as a whole; `what` completes the sentence. */
const damagedAt =
  (key: string, offset: number): Damage =>
  what =>
    new PermanentError('TAR_DAMAGED', `${key}: the tar archive is damaged at byte ${offset}: ${what}`, { key, offset })
