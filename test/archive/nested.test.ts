/** Archives within archives: their rows and files, faults and limits. */
import { crc32, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type AnyRow, column, csv, memberFiles, parquet, task, zipMembers } from '../../lib/define/index.ts'
import type { ZipMembersOptions } from '../../lib/define/sources/source.ts'
import { openArchive } from '../../lib/inputs/archives/open-archive.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import type { Store, StoredObject } from '../../lib/store/store.ts'
import { runTask } from '../../lib/testing.ts'
import { buildTar } from '../tar-builder.ts'
import { buildZip } from '../zip-builder.ts'

const rowsOf = (...values: readonly number[]): string => `x\n${values.join('\n')}\n`

const reading = (bytes: Uint8Array, options: Partial<ZipMembersOptions> = {}, name = 'a.zip') =>
  runTask(
    task({
      name: 't',
      source: zipMembers({ paths: 'a.*', members: '**/*.csv*', nested: true, format: csv(), ...options }),
      columns: { x: column.int32() },
      provenance: ['_archive', '_member', '_line'],
      output: parquet({ path: 't' }),
      rejects: { max: '100%' },
    }),
    { files: { [name]: bytes } },
  )

const valuesOf = (rows: readonly AnyRow[]) => rows.map(({ x, _member }) => [x, _member]).sort()

const innermost = buildZip({ 'c.csv': rowsOf(4), 'y.tgz': gzipSync(buildTar({ 'd/e.csv': rowsOf(5) })) })
const members = {
  'inner.zip': buildZip([
    { name: 'a.csv', data: rowsOf(1) },
    { name: 'd/b.csv.gz', data: gzipSync(rowsOf(2)), method: 0 },
  ]),
  'm.csv': rowsOf(3),
  'deep.zip': buildZip({ 'x.zip': innermost }),
  't.tar': buildTar({ 'f.csv': rowsOf(6), 'g.zip': buildZip({ 'h.csv': rowsOf(7) }) }),
  '__MACOSX/._inner.zip': 'no archive',
  'readme.txt': 'no rows',
}
const expected = [
  [1, 'inner.zip/a.csv'],
  [2, 'inner.zip/d/b.csv.gz'],
  [3, 'm.csv'],
  [4, 'deep.zip/x.zip/c.csv'],
  [5, 'deep.zip/x.zip/y.tgz/d/e.csv'],
  [6, 't.tar/f.csv'],
  [7, 't.tar/g.zip/h.csv'],
]

const outermost: readonly (readonly [string, Buffer])[] = [
  ['a.zip', buildZip(members)],
  ['a.tar', buildTar(members)],
  ['a.tar.gz', gzipSync(buildTar(members))],
]

describe('nested: true', () => {
  it.each(outermost)('reads the members of zips and tar archives at any depth in %s', async (name, bytes) => {
    for (const onBadMember of ['fail', 'skip'] as const) {
      const { rows, rejects } = await reading(bytes, { onBadMember }, name)
      expect(valuesOf(rows)).toEqual(expected)
      expect(rejects).toEqual([])
    }
    const { rows } = await reading(bytes, { members: '{t.tar/*,deep.zip/**/c}.csv' }, name)
    expect(valuesOf(rows)).toEqual([expected[3], expected[5]])
  })

  it.each(outermost)('extracts files into a folder for each archive in %s', async (name, bytes) => {
    const { files: found, manifest } = await runTask(
      task({ name: 't', source: zipMembers({ paths: 'a.*', nested: true }), output: memberFiles({ path: 't' }) }),
      { files: { [name]: bytes } },
    )
    expect(Object.keys(found).sort()).toEqual(
      [...expected.map(([, path]) => path as string), '__MACOSX/._inner.zip', 'readme.txt'].sort(),
    )
    expect(Buffer.from(found['deep.zip/x.zip/y.tgz/d/e.csv'] ?? []).toString()).toBe(rowsOf(5))
    const listed = JSON.stringify(manifest)
    expect(listed).toContain(String(crc32(rowsOf(5))))
  })

  it('is read once for each level of archives by plan, however many archives a compressed tar has', async () => {
    const inner = Array.from({ length: 9 }, (_, index) => [
      `${index}.zip`,
      buildZip({ 'x.zip': buildZip({ 'a.csv': rowsOf(index) }) }),
    ])
    const bytes = gzipSync(buildTar(Object.fromEntries(inner)))
    const store = memoryStore()
    await store.write('a.tar.gz', bytes)
    let opened = 0
    const stream: Store['stream'] = (key, options) => {
      opened++
      return store.stream(key, options)
    }
    const counting: Store = Object.assign(Object.create(store), { stream })
    const source = zipMembers({ paths: 'a.*', nested: true, members: '**/*.csv', format: csv() })
    const object = (await store.stat('a.tar.gz')) as StoredObject
    const { members } = await openArchive(source, object, { input: counting, identify: async () => '' })
    expect(Array.from({ length: members.length }, (_, index) => members.get(index).name).sort()).toEqual(
      inner.map(([name]) => `${name}/x.zip/a.csv`),
    )
    // The members of the tar are listed, then the zips in it, then those in them.
    expect(opened).toBe(3)
    const { rows } = await reading(bytes, {}, 'a.tar.gz')
    expect(valuesOf(rows).map(([x]) => x)).toEqual(inner.map((_, index) => index))
  })

  it('names the place of a reject by all archives around it', async () => {
    const inner = buildZip({ 'b.csv': rowsOf(1).concat('no\n2\n') })
    const { rows, rejects } = await reading(buildZip({ 'inner.zip': inner }))
    expect(valuesOf(rows).map(([x]) => x)).toEqual([1, 2])
    expect(rejects).toMatchObject([{ archive: 'a.zip', member: 'inner.zip/b.csv', line: 3, received: 'no' }])
  })

  it('reads an inner archive of many members, one of which is so large that it is streamed', async () => {
    const many = Array.from({ length: 2000 }, (_, index) => ({ name: `${index}.csv`, data: rowsOf(index) }))
    const huge = Buffer.from(`x,pad\n${`-1,${'0'.repeat(1_000_000)}\n`.repeat(70)}`)
    const inner = buildZip([...many, { name: 'huge.csv', data: huge, level: 1 }])
    const { rows, manifest } = await reading(buildZip([{ name: 'inner.zip', data: inner, level: 1 }]))
    expect(rows.map(({ x }) => Number(x)).sort((a, b) => a - b)).toEqual([
      ...Array.from({ length: 70 }, () => -1),
      ...many.keys(),
    ])
    expect(manifest.totals).toMatchObject({ members: 2001, rows: 2070 })
  })
})

describe('an inner archive', () => {
  it('is not opened without nested, and the message says so', async () => {
    await expect(reading(buildZip({ 'inner.zip': innermost }), { nested: false, members: '*' })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('nested: true'),
    })
  })

  const good = buildZip({ 'a.csv': rowsOf(1) })
  const cut = good.subarray(0, -10)
  const wrong = buildZip([
    { name: 'bad.csv', data: rowsOf(9), declared: { crc32: 1 } },
    { name: 'good.csv', data: rowsOf(2) },
  ])
  it.each([
    ['that is no archive', { 'in.zip': 'text' }, 'ZIP_NO_DIRECTORY', 'in.zip'],
    ['that is cut short', { 'in.zip': cut }, 'ZIP_NO_DIRECTORY', 'in.zip'],
    [
      'of a tar that is cut short',
      { 'in.tar': buildTar({ 'a.csv': rowsOf(1) }).subarray(0, 700) },
      'TAR_DAMAGED',
      'in.tar',
    ],
    ['whose compressed tar is damaged', { 'in.tgz': gzipSync('x').fill(0, 12) }, 'INPUT_INVALID', 'in.tgz'],
    ['with a member whose checksum is wrong', { 'in.zip': wrong }, 'ZIP_CRC_MISMATCH', 'in.zip/bad.csv'],
    ['that is encrypted', [{ name: 'in.zip', data: good, encrypted: true }], 'ZIP_ENCRYPTED', 'in.zip'],
    [
      'whose own checksum is wrong',
      [{ name: 'in.zip', data: good, declared: { crc32: 5 } }],
      'ZIP_CRC_MISMATCH',
      'in.zip',
    ],
    [
      'with a member within another one',
      { 'in.zip': buildZip([{ name: 'bad.csv', data: rowsOf(9), method: 0, declared: { headerOffset: 3 } }]) },
      'ZIP_BAD_MEMBER',
      'in.zip/bad.csv',
    ],
  ] as const)('%s fails the run with its place, or is skipped', async (_, inner, code, member) => {
    const list = Array.isArray(inner) ? inner : Object.entries(inner).map(([name, data]) => ({ name, data }))
    const bytes = buildZip([...list, { name: 'other.zip', data: buildZip({ 'o.csv': rowsOf(7) }) }])
    const failure = expect.objectContaining({ code, message: expect.stringContaining(member) })
    await expect(reading(bytes)).rejects.toEqual(failure)
    const { rows, manifest } = await reading(bytes, { onBadMember: 'skip' })
    expect(valuesOf(rows).map(([x]) => x)).toEqual(
      member === 'in.zip/bad.csv' && code === 'ZIP_CRC_MISMATCH' ? [2, 7] : [7],
    )
    expect(manifest.runs[0]?.skipped).toMatchObject({ count: 1, first: [{ archive: 'a.zip', member, code }] })
  })

  it('is not opened where the glob excludes it, or matches nothing in it', async () => {
    const bytes = buildZip({ 'old/bad.zip': 'junk', 'b.zip': buildZip({ 'd/a.csv': rowsOf(1) }) })
    const globs = ['!old/**', '!old/bad.zip', 'b.zip/**', './b.zip/d/*', '{b,c}.zip/**', '*/d/a.csv', '!(old)/**']
    for (const members of globs) {
      const { rows } = await reading(bytes, { members })
      expect([members, ...valuesOf(rows)]).toEqual([members, [1, 'b.zip/d/a.csv']])
    }
    for (const members of ['**', '{b.zip/d/*,old/bad.zip/*}', 'old/*/a.csv'])
      await expect(reading(bytes, { members })).rejects.toMatchObject({ code: 'ZIP_NO_DIRECTORY' })
  })

  it('with bytes after its end is refused without a command for its place, which is no file', async () => {
    const bytes = buildZip({ 'in.zip': Buffer.concat([good, Buffer.from('junk')]) })
    await expect(reading(bytes)).rejects.toThrow(
      new RegExp(`a\\.zip, member in\\.zip: .* got 4 more bytes after it; make .* in its first ${good.length} bytes$`),
    )
  })

  it('is refused beyond limits.depthMax, with the limit', async () => {
    let bytes = buildZip({ 'a.csv': rowsOf(1) })
    for (const name of ['d', 'c', 'b', 'a']) bytes = buildZip({ [`${name}.zip`]: bytes })
    await expect(reading(bytes)).rejects.toMatchObject({
      code: 'ZIP_LIMIT',
      message: expect.stringMatching(
        /a\.zip\/b\.zip\/c\.zip\/d\.zip of a\.zip: expected archives at most 3 deep.*limits\.depthMax/,
      ),
    })
    const { rows } = await reading(bytes, { limits: { depthMax: 4 } })
    expect(valuesOf(rows)).toEqual([[1, 'a.zip/b.zip/c.zip/d.zip/a.csv']])
  })

  it('counts towards the limits of the archive around it, so that a bomb of archives is refused', async () => {
    const bomb = buildZip({ 'a.csv': `x\n${'1\n'.repeat(200_000)}` })
    const bytes = buildZip(Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`${index}.zip`, bomb])))
    await expect(reading(bytes, { limits: { archiveBytesMax: 3_000_000 } })).rejects.toMatchObject({
      code: 'ZIP_LIMIT',
      detail: { limit: 'archiveBytesMax' },
    })
    await expect(reading(bytes, { limits: { memberCountMax: 15 } })).rejects.toMatchObject({ code: 'ZIP_LIMIT' })
    const ratio = buildZip({ 'a.tgz': gzipSync(Buffer.alloc(40_000_000)) })
    await expect(reading(ratio, { limits: { ratioMax: 100 } })).rejects.toMatchObject({ code: 'ZIP_LIMIT' })
  })
})
