import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FanmillError } from '../../lib/errors/errors.ts'
import { planMemberSlices } from '../../lib/inputs/slices/member-slices.ts'
import type { MembersSlice, PlannedMember } from '../../lib/model/plan-data.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { readZipDirectory } from '../../lib/zip/directory.ts'
import { openMember, readMembers } from '../../lib/zip/member-bytes.ts'
import type { PlannableMember } from '../../lib/zip/member-list.ts'
import { bufferStore, collect, readArchive, readZip, testLimits } from '../read-zip.ts'
import { buildZip, type MemberSpec } from '../zip-builder.ts'

const text = 'station,flights\nSEA,12\n'.repeat(40)
const limits = testLimits

describe('readMembers', () => {
  it('returns stored and deflated members unchanged, in archive order', async () => {
    const members = [
      { name: 'a.csv', data: text },
      { name: 'b.csv', data: 'stored', method: 0 },
      { name: 'empty.csv', data: '' },
      { name: 'empty-stored.csv', data: '', method: 0 },
      { name: 'descriptor.csv', data: text, descriptor: true },
      { name: 'extra.csv', data: text, localExtra: Buffer.alloc(5000) },
    ]
    expect(await readZip(buildZip(members))).toEqual(members.map(({ name, data }) => [name, data]))
  })

  it('returns the right bytes to several readers at once', async () => {
    const textsOf = (letter: string) =>
      Array.from({ length: 50 }, (_, index) => `${letter}${index},`.repeat(100 + index))
    const letters = ['a', 'b', 'c', 'd']
    const zips = letters.map(letter =>
      buildZip(Object.fromEntries(textsOf(letter).map((data, index) => [`${index}.csv`, data]))),
    )
    const found = await Promise.all(zips.map(zip => readZip(zip)))
    expect(found.map(members => members.map(([, data]) => data))).toEqual(letters.map(textsOf))
  })

  it('reads a slice in one request, pinned to the planned version', async () => {
    const zip = buildZip(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${index}.csv`, text])))
    const { store, input, slices } = await storeOf(zip)
    const before = store.counts.requests
    for await (const { bytes } of readMembers(store, input, slices[0]!, { limits })) expect(bytes.length).toBe(920)
    expect(store.counts.requests - before).toBe(1)
    await store.write(input.key, Buffer.concat([zip, Buffer.from('x')]))
    await expect(readMembers(store, input, slices[0]!, { limits }).next()).rejects.toMatchObject({
      code: 'INPUT_CHANGED',
    })
  })

  it('reads no more bytes than the selected members take', async () => {
    const members = Array.from({ length: 300 }, (_, index) => ({ name: `${index}.csv`, data: noise(20_000), level: 1 }))
    const store = bufferStore(buildZip(members))
    await readArchive(store, { select: entry => Number.parseInt(entry.name, 10) < 100, gapBytes: 0 })
    const used = 100 * 20_000
    expect(store.counts.bytes).toBeLessThan(1.02 * used + 65_633)
  })

  it('names archive, member and offset of a wrong CRC', async () => {
    const zip = buildZip([
      { name: 'a.csv', data: text },
      { name: 'b.csv', data: text, declared: { crc32: 1 } },
    ])
    await expect(readZip(zip)).rejects.toMatchObject({
      code: 'ZIP_CRC_MISMATCH',
      detail: { archive: 'test.zip', member: 'b.csv', offset: expect.any(Number), expected: '00000001' },
    })
  })

  it('stops inflating at the declared size', async () => {
    const bomb = buildZip([{ name: 'bomb', data: Buffer.alloc(50_000_000), declared: { inflatedBytes: 1000 } }])
    const before = process.memoryUsage().arrayBuffers
    await expect(readZip(bomb)).rejects.toMatchObject({ code: 'ZIP_SIZE_MISMATCH' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
  })

  it('allocates memory for the inflated bytes, not for the declared size', async () => {
    const declared = { inflatedBytes: 4_000_000_000 }
    const zip = buildZip([{ name: 'liar', data: text, declared }])
    const before = process.memoryUsage().arrayBuffers
    const reading = readZip(zip, { limits: { ratioMax: Number.MAX_VALUE }, streamBytes: 2 ** 40 })
    await expect(reading).rejects.toMatchObject({ code: 'ZIP_SIZE_MISMATCH' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
  })

  it('checks memberBytesMax again for a plan that declares more', async () => {
    const { store, input, slices } = await storeOf(buildZip({ 'a.csv': text }))
    const reading = readMembers(store, input, slices[0]!, { limits: { memberBytesMax: 10 } }).next()
    await expect(reading).rejects.toMatchObject({ code: 'ZIP_LIMIT' })
  })

  it('stops when it is aborted', async () => {
    const { store, input, slices } = await storeOf(buildZip({ 'a.csv': text, 'b.csv': text }))
    const abort = new AbortController()
    const reading = readMembers(store, input, slices[0]!, { limits, signal: abort.signal })
    expect((await reading.next()).done).toBe(false)
    abort.abort()
    await expect(reading.next()).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('openMember', () => {
  it.each([0, 8])('streams a member of method %i in chunks, with two requests', async method => {
    const data = noise(3_000_000)
    const { store, input, members } = await storeOf(buildZip([{ name: 'huge.csv', data, method }]))
    const before = store.counts.requests
    const chunks: number[] = []
    const bytes = await collect(counted(openMember(store, input, members[0]!, { limits }), chunks))
    expect(bytes.equals(data)).toBe(true)
    expect(chunks.length).toBeGreaterThan(2)
    expect(store.counts.requests - before).toBe(2)
  })

  it.each([
    ['ZIP_SIZE_MISMATCH', 'longer than declared', { inflatedBytes: 100_000 }],
    ['ZIP_SIZE_MISMATCH', 'shorter than declared', { inflatedBytes: 5_000_000 }],
    ['ZIP_CRC_MISMATCH', 'of another CRC', { crc32: 1 }],
    ['ZIP_BAD_MEMBER', 'cut short', { compressedBytes: 5000 }],
  ])('fails with %s for a member %s, and returns no byte beyond the declared size', async (code, _what, declared) => {
    const { store, input, members } = await storeOf(buildZip([{ name: 'a', data: noise(3_000_000), declared }]))
    const chunks: number[] = []
    const reading = collect(counted(openMember(store, input, members[0]!, { limits }), chunks))
    await expect(reading).rejects.toMatchObject({ code, detail: { archive: 'a.zip', member: 'a', offset: 0 } })
    const given = chunks.reduce((sum, bytes) => sum + bytes, 0)
    expect(given).toBeLessThanOrEqual(members[0]!.inflatedBytes)
  })

  it('can be stopped before the end', async () => {
    const { store, input, members } = await storeOf(buildZip([{ name: 'a', data: noise(3_000_000) }]))
    for await (const chunk of openMember(store, input, members[0]!, { limits })) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
  })
})

describe('bad archives', () => {
  const folder = join(import.meta.dirname, '../fixtures/bad')
  const fixtures = readdirSync(folder).filter(name => name.endsWith('.zip'))

  it.each(fixtures)('refuses %s', async name => {
    const code = name.split('--')[0]
    await expect(readZip(readFileSync(join(folder, name)))).rejects.toMatchObject({ name: 'PermanentError', code })
  })

  const members: MemberSpec[] = [
    { name: 'a.csv', data: text },
    { name: 'b.csv', data: 'stored,member\n1,2\n', method: 0 },
    { name: 'ü.csv', data: text.slice(0, 300), descriptor: true, zip64: true },
  ]
  const small = buildZip(members, { comment: 'fixture', zip64: true })
  const right = members.map(({ data }) => data)

  it('refuses every prefix of an archive', async () => {
    for (let length = 0; length < small.length; length += 1) {
      await expect(readZip(small.subarray(0, length))).rejects.toBeInstanceOf(FanmillError)
    }
  })

  it('returns the right bytes or throws an error with a code, whichever byte is changed', async () => {
    const change = fc.record({ at: fc.nat(small.length - 1), value: fc.nat(255) })
    const changes = fc.array(change, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(changes, async changes => {
        const zip = Buffer.from(small)
        for (const { at, value } of changes) zip[at] = value
        const read = await readZip(zip).catch(error => error)
        if (read instanceof Error) expect(read).toBeInstanceOf(FanmillError)
        else expect(read.map(([, data]: [string, string]) => data)).toEqual(right)
      }),
      { numRuns: 10_000, seed: 20_261_121 },
    )
  })
})

async function storeOf(zip: Buffer) {
  const store = memoryStore()
  const etag = await store.write('a.zip', zip)
  const input = { key: 'a.zip', sizeBytes: zip.length, etag, identity: 'i' }
  const read = (range: { start: number; end: number }) => store.read('a.zip', { range })
  const { entries } = await readZipDirectory(read, zip.length, { key: 'a.zip', limits })
  const slices = planMemberSlices(entries as unknown as readonly PlannableMember[], { input: 0 }) as MembersSlice[]
  return { store, input, slices, members: entries as unknown as readonly PlannedMember[] }
}

async function* counted(chunks: AsyncIterable<Uint8Array>, sizes: number[]): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    sizes.push(chunk.length)
    yield chunk
  }
}

/** Returns the same bytes each time, which hardly deflate. */
function noise(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  let state = 1
  for (let index = 0; index < bytes; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    buffer[index] = state >>> 24
  }
  return buffer
}
