import { describe, expect, it } from 'vitest'
import type { ZipLimits } from '../../lib/define/definition.ts'
import { readZipDirectory } from '../../lib/zip/directory.ts'
import { checkEntries, entryFault } from '../../lib/zip/limits.ts'
import { bufferStore, testLimits } from '../read-zip.ts'
import { buildZip, type MemberSpec } from '../zip-builder.ts'

async function faultOf(members: readonly MemberSpec[], limits: Partial<ZipLimits> = {}): Promise<unknown> {
  const store = bufferStore(buildZip(members))
  const { entries } = await readZipDirectory(store.readRange, store.input.sizeBytes, {
    key: 'a.zip',
    limits: testLimits,
  })
  try {
    checkEntries(entries, { ...testLimits, ...limits }, 'a.zip')
    return undefined
  } catch (error) {
    return error
  }
}

const honest: MemberSpec = { name: 'good.csv', data: 'x\n'.repeat(100) }

describe('checkEntries', () => {
  it('accepts honest members', async () => {
    expect(await faultOf([honest, { name: 'b', data: 'stored', method: 0 }, { name: 'c', data: '' }])).toBeUndefined()
  })

  it('refuses an encrypted member by name', async () => {
    const fault = { code: 'ZIP_ENCRYPTED', detail: { archive: 'a.zip', member: 'secret.csv' } }
    expect(await faultOf([honest, { name: 'secret.csv', data: 'x', encrypted: true }])).toMatchObject(fault)
    expect(await faultOf([honest, { name: 'secret.csv', data: 'x', method: 99 }])).toMatchObject(fault)
  })

  it.each([
    [9, 'deflate64'],
    [12, 'bzip2'],
    [14, 'lzma'],
    [93, 'zstd'],
    [77, 'unknown'],
  ])('refuses method %i as %s and says which are supported', async (method, name) => {
    const fault = await faultOf([{ name: 'odd.csv', data: 'x', method }])
    expect(fault).toMatchObject({ code: 'ZIP_METHOD_UNSUPPORTED', detail: { member: 'odd.csv', method } })
    expect(String(fault)).toContain(`got ${method} (${name})`)
    expect(String(fault)).toContain('0 (stored) or 8 (deflate)')
  })

  it.each([
    ['memberBytesMax', { memberBytesMax: 199 }],
    ['archiveBytesMax', { archiveBytesMax: 399 }],
    ['memberCountMax', { memberCountMax: 1 }],
    ['nameBytesMax', { nameBytesMax: 7 }],
  ])('caps %s, and names it', async (name, limits) => {
    const fault = await faultOf([honest, { ...honest, name: 'other.csv' }], limits)
    expect(fault).toMatchObject({ code: 'ZIP_LIMIT' })
    expect(String(fault)).toContain(`limits.${name}`)
  })

  it('limits the ratio only above 1 MiB', async () => {
    const blanks = (bytes: number) => [{ name: 'blanks.csv', data: ' '.repeat(bytes) }]
    expect(await faultOf(blanks(1024 * 1024))).toBeUndefined()
    expect(await faultOf(blanks(2 * 1024 * 1024))).toMatchObject({
      code: 'ZIP_LIMIT',
      detail: { member: 'blanks.csv' },
    })
  })

  it('refuses a stored member whose two sizes differ', async () => {
    const fault = await faultOf([{ name: 'a', data: 'hello', method: 0, declared: { inflatedBytes: 4 } }])
    expect(fault).toMatchObject({ code: 'ZIP_SIZE_MISMATCH' })
  })

  it('refuses members that share their bytes', async () => {
    const same = await faultOf([honest, { name: 'twin.csv', data: 'y', declared: { headerOffset: 0 } }])
    expect(same).toMatchObject({ code: 'ZIP_OVERLAP' })
    const inside = await faultOf([
      { name: 'kernel.csv', data: 'x'.repeat(500), method: 0 },
      { name: 'quoted.csv', data: 'y', declared: { headerOffset: 100 } },
    ])
    expect(inside).toMatchObject({ code: 'ZIP_OVERLAP', detail: { member: 'kernel.csv' } })
  })

  it('accepts members that overlap by a few bytes, as some writers leave them', async () => {
    const odd = { name: 'odd.csv', data: 'hello', method: 0, declared: { compressedBytes: 17, inflatedBytes: 17 } }
    expect(await faultOf([odd, honest])).toBeUndefined()
  })
})

describe('entryFault', () => {
  it('returns the fault of a single member, so that only this one is skipped', async () => {
    const store = bufferStore(buildZip([honest, { name: 'bad', data: 'x', method: 12 }]))
    const { entries } = await readZipDirectory(store.readRange, store.input.sizeBytes, { key: 'a', limits: testLimits })
    expect(entries.map(entry => entryFault(entry, testLimits, 'a')?.code)).toEqual([
      undefined,
      'ZIP_METHOD_UNSUPPORTED',
    ])
  })
})
