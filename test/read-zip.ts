/** Reads a whole archive as a run does, for tests: directory, limits, slices, members. */

import type { ZipLimits } from '../lib/define/definition.ts'
import { type MemberSlicesOptions, planMemberSlices } from '../lib/inputs/slices/member-slices.ts'
import type { InputObject } from '../lib/model/plan-data.ts'
import type { ByteRange } from '../lib/store/byte-range.ts'
import type { Store } from '../lib/store/store.ts'
import { readZipDirectory } from '../lib/zip/directory.ts'
import type { ZipEntry } from '../lib/zip/entry-table.ts'
import { checkEntries } from '../lib/zip/limits.ts'
import { openMember, readMembers } from '../lib/zip/member-bytes.ts'
import type { PlannableMember } from '../lib/zip/member-list.ts'
import type { Piece } from './zip-builder.ts'

export const testLimits: ZipLimits = {
  memberBytesMax: 8 * 2 ** 30,
  archiveBytesMax: 2 ** 40,
  ratioMax: 200,
  memberCountMax: 1_000_000,
  nameBytesMax: 1024,
  depthMax: 3,
}

/** A store of one archive that may have holes; counts requests and bytes. */
export interface CountingStore extends Store {
  readonly counts: { requests: number; bytes: number }
  readonly readRange: (range: ByteRange) => Promise<Uint8Array>
  readonly input: InputObject
}

/** Returns a store in which holes are zeros, with only `read` and `stream`. */
export function archiveStore(pieces: readonly Piece[], sizeBytes: number): CountingStore {
  const counts = { requests: 0, bytes: 0 }
  const readRange = async ({ start, end }: ByteRange): Promise<Uint8Array> => {
    counts.requests += 1
    counts.bytes += end - start
    if (start < 0 || end > sizeBytes || start > end) throw new Error(`read outside the archive: ${start} to ${end}`)
    return cut(pieces, start, end)
  }
  const store: Pick<CountingStore, 'url' | 'counts' | 'readRange' | 'input' | 'read' | 'stream'> = {
    url: 'archive:',
    counts,
    readRange,
    input: { key: 'test.zip', sizeBytes, etag: 'e', identity: 'i' },
    read: async (_key, options) => readRange(options?.range ?? { start: 0, end: sizeBytes }),
    async *stream(_key, options) {
      const bytes = await readRange(options?.range ?? { start: 0, end: sizeBytes })
      for (let start = 0; start < bytes.length; start += 1000) yield bytes.subarray(start, start + 1000)
    },
  }
  return store as CountingStore
}

export function bufferStore(zip: Uint8Array): CountingStore {
  return archiveStore([{ offset: 0, bytes: Buffer.from(zip) }], zip.length)
}

export interface ReadZipOptions extends Partial<Omit<MemberSlicesOptions, 'input'>> {
  readonly limits?: Partial<ZipLimits>
  readonly select?: (entry: ZipEntry) => boolean
}

/** Returns every file of the archive in archive order, after all checks. */
export async function readZip(zip: Uint8Array, options: ReadZipOptions = {}): Promise<[string, string][]> {
  return readArchive(bufferStore(zip), options)
}

export async function readArchive(
  store: CountingStore,
  { limits: changes, select = () => true, ...slicing }: ReadZipOptions = {},
): Promise<[string, string][]> {
  const { key, sizeBytes } = store.input
  const limits = { ...testLimits, ...changes }
  const { entries } = await readZipDirectory(store.readRange, sizeBytes, { key, limits })
  const selected = entries.filter(entry => !entry.isDirectory && select(entry))
  checkEntries(selected, limits, key)
  const members: [string, string][] = []
  for (const slice of planMemberSlices(selected as PlannableMember[], { input: 0, ...slicing })) {
    if (slice.kind === 'members') {
      for await (const { member, bytes } of readMembers(store, store.input, slice, { limits })) {
        members.push([member.name, Buffer.from(bytes).toString()])
      }
    } else if (slice.member) {
      const bytes = await collect(openMember(store, store.input, slice.member, { limits }))
      members.push([slice.member.name, bytes.toString()])
    }
  }
  return members
}

/** Returns all chunks, whose memory the source may use again, as one buffer. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(Uint8Array.from(chunk))
  return Buffer.concat(parts)
}

function cut(pieces: readonly Piece[], start: number, end: number): Buffer {
  const bytes = Buffer.alloc(end - start)
  for (const piece of pieces) {
    const from = Math.max(start, piece.offset)
    const to = Math.min(end, piece.offset + piece.bytes.length)
    if (from < to) piece.bytes.copy(bytes, from - start, from - piece.offset, to - piece.offset)
  }
  return bytes
}
