import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { column, csv, parquet, task, zipMembers } from '../../lib/define/index.ts'
import { planMemberSlices } from '../../lib/inputs/slices/member-slices.ts'
import type { MembersSlice } from '../../lib/model/plan-data.ts'
import { readTexts } from '../../lib/stage/member-text.ts'
import { runTask } from '../../lib/testing.ts'
import { readZipDirectory } from '../../lib/zip/directory.ts'
import type { PlannableMember } from '../../lib/zip/member-list.ts'
import { bufferStore, testLimits } from '../read-zip.ts'
import { buildZip } from '../zip-builder.ts'

const text = 'x,y\n1,2\n'

describe('readTexts', () => {
  it('inflates members that are compressed files', async () => {
    const zip = buildZip([
      { name: 'a.csv', data: text },
      { name: 'b.csv.gz', data: gzipSync(text) },
      { name: 'c.csv.ZST', data: zstdCompressSync(text) },
    ])
    expect(await textsOf(zip)).toEqual([
      ['a.csv', text],
      ['b.csv.gz', text],
      ['c.csv.ZST', text],
    ])
  })

  it('returns a large member in chunks, stored or deflated', async () => {
    const large = Buffer.from('0123456,89\n'.repeat(2_000_000))
    const zip = buildZip([
      { name: 'deflated.csv', data: large, level: 1 },
      { name: 'stored.csv', data: large, method: 0 },
    ])
    for (const [, found] of await textsOf(zip)) expect(Buffer.from(found).equals(large)).toBe(true)
  })

  it('refuses a large member whose checksum is wrong, and one that inflates twice to more than the limit', async () => {
    const large = Buffer.alloc(20_000_000, 'x')
    const zip = buildZip([{ name: 'a.csv', data: large, level: 1, declared: { crc32: 1 } }])
    await expect(textsOf(zip)).rejects.toMatchObject({ code: 'ZIP_CRC_MISMATCH', detail: { member: 'a.csv' } })
    const bomb = buildZip([{ name: 'bomb.csv.gz', data: gzipSync(large) }])
    await expect(textsOf(bomb, { memberBytesMax: 1_000_000 })).rejects.toMatchObject({
      code: 'ZIP_LIMIT',
      detail: { member: 'bomb.csv.gz' },
    })
  })

  it('skips a damaged compressed member with onBadMember: skip', async () => {
    const damaged = gzipSync(text.repeat(1000)).fill(0, 30, 40)
    const zip = buildZip([
      { name: 'a.csv.gz', data: damaged },
      { name: 'b.csv.gz', data: gzipSync(text) },
    ])
    const bad: string[] = []
    expect(await textsOf(zip, { onBad: member => bad.push(member.name) })).toEqual([['b.csv.gz', text]])
    expect(bad).toEqual(['a.csv.gz'])
    await expect(textsOf(zip)).rejects.toMatchObject({ code: 'INPUT_INVALID', detail: { member: 'a.csv.gz' } })
  })
})

describe('a task over large and compressed members', () => {
  const points = task({
    name: 'points',
    source: zipMembers({ paths: '*.zip', format: csv() }),
    columns: { x: column.int32(), note: column.string() },
    output: parquet({ path: '{task}' }),
  })

  it('reads every row, and rejects name their line, in however many pieces the member is read', async () => {
    const rows = 300_000
    const note = `"${'several\nlines '.repeat(6)}"`
    const large = `x,note\n${`1,${note}\n`.repeat(rows)}bad,here\n2,last\n`
    const { manifest, rejects } = await runTask(points, {
      files: { 'a.zip': { 'large.csv': large, 'small.csv.gz': gzipSync('note,x\nn,7\n') } },
    })
    expect(manifest.totals).toMatchObject({ rows: rows + 2, members: 2, rowsRejected: 1 })
    expect(rejects).toMatchObject([{ member: 'large.csv', line: 2 + 7 * rows, column: 'x', received: 'bad' }])
  })
})

interface Reading {
  readonly memberBytesMax?: number
  readonly onBad?: Parameters<typeof readTexts>[3]['onBad']
}

async function textsOf(
  zip: Buffer,
  { memberBytesMax = testLimits.memberBytesMax, onBad }: Reading = {},
): Promise<[string, string][]> {
  const store = bufferStore(zip)
  const { input, readRange } = store
  const { entries } = await readZipDirectory(readRange, zip.length, { key: input.key, limits: testLimits })
  const slices = planMemberSlices(entries as unknown as readonly PlannableMember[], { input: 0 }) as MembersSlice[]
  const found: [string, string][] = []
  const options = { limits: { ...testLimits, memberBytesMax }, ...(onBad && { onBad }) }
  for (const slice of slices)
    for await (const each of readTexts(store, input, slice, options)) {
      const chunks: Uint8Array[] = []
      if ('bytes' in each) chunks.push(each.bytes)
      else for await (const chunk of each.chunks) chunks.push(Buffer.from(chunk))
      found.push([each.member.name, Buffer.concat(chunks).toString()])
    }
  return found
}
