import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { extractMembers } from '../../lib/archive/extract-members.ts'
import { type MemberSlicesOptions, planMemberSlices } from '../../lib/inputs/slices/member-slices.ts'
import { readZipDirectory } from '../../lib/zip/directory.ts'
import type { PlannableMember } from '../../lib/zip/member-list.ts'
import { bufferStore, testLimits } from '../read-zip.ts'
import { buildZip } from '../zip-builder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'extract-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function extract(zip: Buffer, slicing: Partial<MemberSlicesOptions> = {}) {
  const store = bufferStore(zip)
  const options = { key: 'a.zip', limits: testLimits }
  const { entries } = await readZipDirectory(store.readRange, zip.length, options)
  const slices = planMemberSlices(entries as unknown as readonly PlannableMember[], { input: 0, ...slicing })
  const files = slices.map(slice => extractMembers(store, store.input, slice, { folder, limits: testLimits }))
  return (await Promise.all(files)).flat()
}

const filesIn = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => entry.name)
    .sort()

describe('extractMembers', () => {
  it('writes members below the folder, and returns path, size and CRC', async () => {
    const binary = Buffer.from([0, 255, 1, 254])
    const files = await extract(buildZip({ 'a.csv': 'abc', 'deep/er/b.bin': binary, 'deep/empty': '' }))
    expect(files).toEqual([
      { path: 'a.csv', sizeBytes: 3, crc32: 0x352441c2 },
      { path: 'deep/er/b.bin', sizeBytes: 4, crc32: expect.any(Number) },
      { path: 'deep/empty', sizeBytes: 0, crc32: 0 },
    ])
    expect(readFileSync(join(folder, 'a.csv'), 'utf8')).toBe('abc')
    expect(readFileSync(join(folder, 'deep/er/b.bin'))).toEqual(binary)
    expect(filesIn(folder)).toEqual(['a.csv', 'b.bin', 'empty'])
  })

  it('streams huge members', async () => {
    const text = 'station,flights\nSEA,12\n'.repeat(5000)
    await extract(buildZip({ 'huge.csv': text, 'small.csv': 'x' }), { streamBytes: 1000 })
    expect(readFileSync(join(folder, 'huge.csv'), 'utf8')).toBe(text)
    expect(filesIn(folder)).toEqual(['huge.csv', 'small.csv'])
  })

  it('replaces an existing file', async () => {
    writeFileSync(join(folder, 'a.csv'), 'a longer file from before')
    await extract(buildZip({ 'a.csv': 'abc' }))
    expect(readFileSync(join(folder, 'a.csv'), 'utf8')).toBe('abc')
  })

  it('accepts names as long as the file system allows', async () => {
    const name = 'n'.repeat(255)
    await extract(buildZip({ [name]: 'abc' }))
    expect(filesIn(folder)).toEqual([name])
  })

  it.each([1, 2 ** 30])(
    'leaves no file of a member whose CRC is wrong (streamed above %i bytes)',
    async streamBytes => {
      const zip = buildZip([{ name: 'bad.csv', data: 'abc', declared: { crc32: 1 } }])
      await expect(extract(zip, { streamBytes })).rejects.toMatchObject({ code: 'ZIP_CRC_MISMATCH' })
      expect(filesIn(folder)).toEqual([])
    },
  )

  it('refuses an unsafe name before anything is written', async () => {
    const names = ['../evil.csv', '/evil.csv', 'C:/evil.csv'].map(name => [name, name] as const)
    for (const [name, member] of [...names, ['a/../../evil.csv', '../evil.csv'] as const]) {
      const zip = buildZip([
        { name: 'good.csv', data: 'x' },
        { name, data: 'x' },
      ])
      await expect(extract(zip)).rejects.toMatchObject({ code: 'ZIP_UNSAFE_NAME', detail: { member } })
    }
    expect(filesIn(folder)).toEqual([])
  })

  it('names the path that cannot be written', async () => {
    writeFileSync(join(folder, 'taken'), 'a file')
    await expect(extract(buildZip({ 'taken/a.csv': 'x' }))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})
