import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { TransientError } from '../../lib/errors/errors.ts'
import { readZipDirectory } from '../../lib/zip/directory.ts'
import { archiveStore, bufferStore, type CountingStore, readArchive, readZip, testLimits } from '../read-zip.ts'
import { buildZip, layoutZip, type MemberSpec } from '../zip-builder.ts'

const key = 'test.zip'

function directoryOf(store: CountingStore) {
  return readZipDirectory(store.readRange, store.input.sizeBytes, { key, limits: testLimits })
}

async function namesOf(zip: Buffer): Promise<string[]> {
  return (await directoryOf(bufferStore(zip))).entries.map(entry => entry.name)
}

function manyMembers(count: number, nameBytes = 20): MemberSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${index}`.padStart(nameBytes - 4, 'm').concat('.csv'),
    data: 'x\n1\n',
    method: 0,
  }))
}

describe('a directory', () => {
  it('lists members in directory order, with sizes, CRC and method', async () => {
    const zip = buildZip([
      { name: 'b/', data: '' },
      { name: 'b/two.csv', data: 'hello hello hello' },
      { name: 'a.csv', data: 'abc', method: 0 },
    ])
    const { entries } = await directoryOf(bufferStore(zip))
    expect(entries.map(({ name, isDirectory, method }) => [name, isDirectory, method])).toEqual([
      ['b/', true, 0],
      ['b/two.csv', false, 8],
      ['a.csv', false, 0],
    ])
    expect(entries[2]).toMatchObject({ compressedBytes: 3, inflatedBytes: 3, crc32: 0x352441c2, isEncrypted: false })
  })

  it('ends each member where the next one or the directory begins', async () => {
    const zip = buildZip({ 'a.csv': 'aa', 'b.csv': 'bb' })
    const { entries, directoryBytes } = await directoryOf(bufferStore(zip))
    expect(entries[0]?.endOffset).toBe(entries[1]?.headerOffset)
    expect(entries[1]?.endOffset).toBe(zip.length - 22 - directoryBytes)
  })

  it('identifies an archive by the hash of its directory', async () => {
    const zip = buildZip({ 'a.csv': 'aa' })
    const { identity, directoryBytes } = await directoryOf(bufferStore(zip))
    const raw = zip.subarray(zip.length - 22 - directoryBytes, zip.length - 22)
    expect(identity).toBe(createHash('sha256').update(raw).digest('hex'))
    expect((await directoryOf(bufferStore(buildZip({ 'a.csv': 'ab' })))).identity).not.toBe(identity)
  })

  it('keeps duplicate names, names that differ by case, and unsafe names as data', async () => {
    const names = ['a.csv', 'a.csv', 'A.csv', '../up.csv', '/root.csv', 'C:/x.csv', 'nul\0.csv', '']
    expect(await namesOf(buildZip(names.map(name => ({ name, data: 'x' }))))).toEqual(names)
  })

  it('reads an archive without members', async () => {
    expect(await namesOf(buildZip([]))).toEqual([])
    expect(await namesOf(buildZip([], { prefix: Buffer.from('stub'), zip64: true }))).toEqual([])
  })
})

describe('names', () => {
  it('decodes UTF-8 by its flag', async () => {
    expect(await namesOf(buildZip({ 'é/日本.csv': 'x' }))).toEqual(['é/日本.csv'])
  })

  it('decodes cp437 without the flag', async () => {
    expect(await namesOf(buildZip([{ name: Buffer.from([0x82, 0x2e, 0x63, 0x73, 0x76]) }]))).toEqual(['é.csv'])
  })

  it('decodes UTF-8 without the flag where Unix or macOS wrote it, and cp437 where the bytes are not UTF-8', async () => {
    const raw = [Buffer.from('日本.csv'), Buffer.from([0x82, 0x2e, 0x63])]
    for (const system of [3, 19]) {
      expect(await namesOf(buildZip(raw.map(name => ({ name, system }))))).toEqual(['日本.csv', 'é.c'])
    }
    expect(await namesOf(buildZip([{ name: Buffer.from('ü'), system: 0 }]))).toEqual(['├╝'])
  })

  it('prefers the unicode path field when it belongs to the name', async () => {
    expect(await namesOf(buildZip([{ name: Buffer.from('caf_.csv'), unicodeName: 'café.csv' }]))).toEqual(['café.csv'])
  })

  it('ignores a unicode path field of another name', async () => {
    const zip = buildZip([{ name: Buffer.from('caf_.csv'), unicodeName: 'café.csv' }])
    const renamed = Buffer.from(zip.toString('latin1').replaceAll('caf_', 'tea_'), 'latin1')
    expect(await namesOf(renamed)).toEqual(['tea_.csv'])
  })
})

describe('one path in several spellings', () => {
  const named = (name: string | Uint8Array, more: Partial<MemberSpec> = {}) =>
    namesOf(buildZip([{ name, data: 'x', ...more }]))

  it('reads ./, double slashes and ../ within its folder as a path', async () => {
    expect(await named('./data//a.csv')).toEqual(['data/a.csv'])
    expect(await named('data/./a.csv')).toEqual(['data/a.csv'])
    expect(await named('old/../data/a.csv')).toEqual(['data/a.csv'])
  })

  it('reads the backslashes of DOS and Windows programs as slashes', async () => {
    for (const system of [0, 10, 11]) expect(await named('x/data\\a.csv', { system })).toEqual(['x/data/a.csv'])
    expect(await named(Buffer.from('caf_.csv'), { unicodeName: 'ä\\a.csv' })).toEqual(['ä/a.csv'])
  })

  it('reads the backslashes of a name without any slash as slashes, whichever system its program calls itself', async () => {
    expect(await named('data\\a.csv', { system: 3 })).toEqual(['data/a.csv'])
    expect(await named('x/data\\a.csv', { system: 3 })).toEqual(['x/data\\a.csv'])
  })

  it('keeps the backslash that is the second byte of a letter in an East Asian code page', async () => {
    expect(await named(Buffer.from([0x95, 0x5c, 0x2e, 0x63]))).toEqual(['ò\\.c'])
  })

  it('reads the bytes of members whose local header has another spelling', async () => {
    const members = ['./a.csv', 'b\\c.csv', './d//e.csv', 'x/../f.csv'].map(name => ({ name, data: name }))
    expect(await readZip(buildZip(members))).toEqual([
      ['a.csv', './a.csv'],
      ['b/c.csv', 'b\\c.csv'],
      ['d/e.csv', './d//e.csv'],
      ['f.csv', 'x/../f.csv'],
    ])
  })

  it('recognises folders by their slash, and by the attribute of DOS or Unix', async () => {
    const zip = buildZip([
      { name: './', data: '' },
      { name: 'a\\', data: '' },
      { name: 'b', data: '', attributes: 0x10 },
      { name: 'c', data: '', attributes: 0o040755 * 0x10000, system: 3 },
      { name: 'file', data: '', attributes: 0o100644 * 0x10000, system: 3 },
      { name: 'd/', data: 'not empty' },
    ])
    const { entries } = await directoryOf(bufferStore(zip))
    expect(entries.map(entry => entry.isDirectory)).toEqual([true, true, true, true, false, false])
  })
})

describe('an entry that is wrong by itself', () => {
  it('leaves the other members readable', async () => {
    const select = (entry: { readonly name: string }) => entry.name === 'ok.csv'
    const bad: MemberSpec[] = [
      { name: 'strong.csv', data: 'x', declared: { flags: 0x41 } },
      { name: 'beyond.csv', data: 'x', declared: { headerOffset: 1_000_000 } },
      { name: 'long.csv', data: 'x', declared: { compressedBytes: 0xffffffff } },
    ]
    for (const one of bad) {
      const zip = buildZip([one, { name: 'ok.csv', data: 'fine' }])
      expect(await readZip(zip, { select })).toEqual([['ok.csv', 'fine']])
      await expect(readZip(zip)).rejects.toMatchObject({ detail: { member: one.name } })
    }
  })

  it('does not prevent reading when its extra field has too great a length', async () => {
    const zip = buildZip([{ name: 'a.csv', data: 'hello', centralExtra: Buffer.from([0xfe, 0xca, 50, 0, 1, 2]) }])
    expect(await readZip(zip)).toEqual([['a.csv', 'hello']])
  })

  it('is a fault of its member when its zip64 field lacks a number', async () => {
    const zip = buildZip([
      { name: 'a.csv', data: 'x', declared: { inflatedBytes: 0xffffffff }, centralExtra: Buffer.from([1, 0, 0, 0]) },
      { name: 'ok.csv', data: 'fine' },
    ])
    await expect(readZip(zip)).rejects.toMatchObject({ code: 'ZIP_BAD_MEMBER', detail: { member: 'a.csv' } })
  })
})

describe('finding the directory', () => {
  const members = { 'a.csv': 'a,b\n1,2\n', 'b.csv': 'c\n3\n' }
  const content = Object.entries(members)
  const prefix = Buffer.from('#!/bin/sh\nexit\n'.repeat(50))

  it.each([
    ['a comment', { comment: 'about this archive' }],
    ['the longest comment', { comment: Buffer.alloc(0xffff, 'c') }],
    ['an end record signature in the comment', { comment: Buffer.from('PK\x05\x06'.repeat(20)) }],
    ['a prefix that offsets do not count', { prefix }],
    ['a prefix that offsets count', { prefix, adjusted: true }],
    ['a zip64 end record', { zip64: true }],
    ['a zip64 end record and a prefix that offsets do not count', { zip64: true, prefix }],
    ['a zip64 end record and the longest comment', { zip64: true, comment: Buffer.alloc(0xffff, 'c') }],
    ['a signature between directory and end record', { afterDirectory: Buffer.from('PK\x05\x05\x04\x00sign') }],
    ['a prefix larger than the tail', { prefix: Buffer.alloc(100_000, 'p') }],
  ])('finds members behind %s', async (_what, options) => {
    expect(await readZip(buildZip(members, options))).toEqual(content)
  })

  it.each([1, 30, 512, 60_000, 3_000_000])('reads through %i NULs after the end record', async count => {
    expect(await readZip(Buffer.concat([buildZip(members), Buffer.alloc(count)]))).toEqual(content)
    expect(await readZip(Buffer.concat([buildZip(members, { zip64: true }), Buffer.alloc(count)]))).toEqual(content)
  })

  it('fails with the number of bytes after the end record, and the command that cuts them off', async () => {
    const zip = buildZip(members)
    await expect(namesOf(Buffer.concat([zip, Buffer.from('junk\0')]))).rejects.toMatchObject({
      code: 'ZIP_NO_DIRECTORY',
      message: `test.zip: expected the archive to end with its end record, got 5 more bytes after it; cut them off: head -c ${zip.length} test.zip > whole.zip`,
    })
  })

  it.each([100_000, 2 ** 20 - 10, 3_000_000])('finds the end record before %i other bytes', async count => {
    for (const zip of [buildZip(members), buildZip(members, { zip64: true })])
      await expect(namesOf(Buffer.concat([zip, Buffer.alloc(count, 'junk')]))).rejects.toThrow(
        `got ${count} more bytes after it; cut them off: head -c ${zip.length} test.zip > whole.zip`,
      )
  })

  it('does not take the end of an archive within a member for that of an archive that was cut short', async () => {
    const inner = buildZip(members)
    const content = Buffer.concat([inner, Buffer.alloc(200_000, 'x')])
    const cut = buildZip([{ name: 'inner.zip', data: content, method: 0 }]).subarray(0, 150_000)
    await expect(namesOf(cut)).rejects.toThrow(/the file is not a zip or was cut short, get it again/)
  })

  it('fails with the NUL bytes at the end when there is nothing else', async () => {
    const padded = Buffer.alloc(100_000)
    await expect(namesOf(padded)).rejects.toThrow(/got 65633 NUL bytes or more at the end of the file; get the file/)
  })

  it('reads a comment that looks like a zip64 locator as a comment', async () => {
    const locator = Buffer.concat([Buffer.from('PK\x06\x07'), Buffer.alloc(16)]).toString('latin1')
    expect(await readZip(buildZip([{ name: 'a.csv', data: 'x', comment: locator }]))).toEqual([['a.csv', 'x']])
  })

  it('refuses an end record without members after bytes of one', async () => {
    const empty = buildZip([])
    const zip = buildZip(members)
    const emptied = Buffer.concat([zip.subarray(0, -22), empty])
    await expect(namesOf(emptied)).rejects.toMatchObject({ code: 'ZIP_BAD_DIRECTORY' })
    const far = Buffer.concat([zip, Buffer.alloc(200_000, 'x'), empty])
    await expect(namesOf(far)).rejects.toMatchObject({ code: 'ZIP_BAD_DIRECTORY' })
  })

  it('reads 0xffff without zip64 as a number', async () => {
    const zip = buildZip([{ name: 'a.csv', data: 'x' }])
    zip.writeUInt16LE(0xffff, zip.length - 12)
    await expect(namesOf(zip)).rejects.toMatchObject({ code: 'ZIP_BAD_DIRECTORY' })
  })

  it('refuses an end record that counts fewer entries than there are', async () => {
    await expect(namesOf(buildZip(members, { entryCount: 1 }))).rejects.toMatchObject({ code: 'ZIP_BAD_DIRECTORY' })
    await expect(namesOf(buildZip(members, { entryCount: 3 }))).rejects.toMatchObject({ code: 'ZIP_BAD_DIRECTORY' })
  })

  it('passes on an error of the store unchanged', async () => {
    const fault = new TransientError('STORE_FAILED', 'slow down')
    const zip = buildZip(manyMembers(2000, 60))
    let reads = 0
    const read = async ({ start, end }: { start: number; end: number }) => {
      if (++reads === 2) throw fault
      return zip.subarray(start, end)
    }
    await expect(readZipDirectory(read, zip.length, { key, limits: testLimits })).rejects.toBe(fault)
  })
})

describe('large directories', () => {
  it('reads the directory of 6,087 members in two reads, and no byte twice', async () => {
    const store = bufferStore(buildZip(manyMembers(6087, 30)))
    const { entries, directoryBytes } = await directoryOf(store)
    expect(entries).toHaveLength(6087)
    expect(store.counts).toEqual({ requests: 2, bytes: directoryBytes + 22 })
  })

  it('reads a short directory with the tail, in one read', async () => {
    const store = bufferStore(buildZip(manyMembers(100)))
    await directoryOf(store)
    expect(store.counts.requests).toBe(1)
  })

  it('reads a directory of more than 8 MiB in windows', async () => {
    const store = bufferStore(buildZip(manyMembers(70_000, 100)))
    const { entries, directoryBytes } = await directoryOf(store)
    expect(entries.at(-1)?.name).toMatch(/m69999\.csv$/)
    expect(directoryBytes).toBeGreaterThan(8 * 1024 * 1024)
    expect(store.counts).toEqual({ requests: 3, bytes: directoryBytes + 22 + 20 + 56 })
  })

  it('reads more than 65,535 members with zip64, and without it as old writers wrote them', async () => {
    const members = manyMembers(65_540)
    expect(await namesOf(buildZip(members))).toHaveLength(65_540)
    expect(await namesOf(buildZip(members, { entryCount: 65_540 % 0x10000 }))).toHaveLength(65_540)
  })

  it('reads members beyond 4 GiB without reading the bytes in between', async () => {
    const { pieces, sizeBytes } = layoutZip([
      { name: 'near.csv', data: 'near' },
      { name: 'far.csv', data: 'far', holeBefore: 5 * 2 ** 30 },
      { name: 'farther.csv', data: 'farther', holeBefore: 5 * 2 ** 30, descriptor: true },
    ])
    const store = archiveStore(pieces, sizeBytes)
    expect(await readArchive(store)).toEqual([
      ['near.csv', 'near'],
      ['far.csv', 'far'],
      ['farther.csv', 'farther'],
    ])
    expect(store.counts.bytes).toBeLessThan(1_000_000)
  })

  it('reads zip64 sizes and offsets in the extra field', async () => {
    const zip = buildZip([
      { name: 'a.csv', data: 'hello', zip64: true },
      { name: 'b.csv', data: 'world', zip64: true, descriptor: true },
    ])
    expect(await readZip(zip)).toEqual([
      ['a.csv', 'hello'],
      ['b.csv', 'world'],
    ])
  })

  it('stops at the limit of members, whatever the end record says', async () => {
    const limits = { memberCountMax: 10 }
    for (const options of [{}, { entryCount: 5 }]) {
      const store = bufferStore(buildZip(manyMembers(11), options))
      const reading = readZipDirectory(store.readRange, store.input.sizeBytes, { key, limits })
      await expect(reading).rejects.toMatchObject({ code: 'ZIP_LIMIT', detail: { memberCountMax: 10 } })
    }
  })
})
