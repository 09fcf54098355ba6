/** Members that `onBadMember: 'skip'` passes over are logged, counted and listed, wherever that was decided. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import type { RunEvent } from '../../lib/model/events.ts'
import { buildZip, type MemberSpec } from '../zip-builder.ts'
import { type Project, project } from './project.ts'

const rowsPipeline = `
import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
export const rows = task({
  name: 'rows',
  source: zipMembers({ paths: 'in/*.zip', members: '**/*.csv', format: csv(), onBadMember: 'skip', limits: { memberBytesMax: 1000 } }),
  columns: { id: column.int64() },
  output: parquet({ path: 'rows' }),
})
export default pipeline({ name: 'rows', tasks: [rows] })
`
const filesPipeline = `
import { memberFiles, pipeline, task, zipMembers } from 'fanmill'
export const rows = task({
  name: 'rows',
  source: zipMembers({ paths: 'in/*.zip', onBadMember: 'skip' }),
  output: memberFiles({ path: 'rows' }),
})
export default pipeline({ name: 'rows', tasks: [rows] })
`

const good: MemberSpec = { name: 'good.csv', data: 'id\n1\n' }
const condemned: MemberSpec[] = [
  { name: 'encrypted.csv', data: 'id\n2\n', encrypted: true },
  { name: 'zstd.csv', data: 'id\n3\n', method: 93 },
  { name: 'sizes.csv', data: 'id\n4\n', method: 0, declared: { inflatedBytes: 9 } },
  { name: 'long.csv', data: `id\n${'5\n'.repeat(1000)}` },
]
const damaged: MemberSpec = { name: 'crc.csv', data: 'id\n6\n', declared: { crc32: 1 } }
const codes = {
  'encrypted.csv': 'ZIP_ENCRYPTED',
  'zstd.csv': 'ZIP_METHOD_UNSUPPORTED',
  'sizes.csv': 'ZIP_SIZE_MISMATCH',
  'long.csv': 'ZIP_LIMIT',
  'crc.csv': 'ZIP_CRC_MISMATCH',
}

async function runAndListen(rows: Project) {
  const events: RunEvent[] = []
  const result = await rows.run({ onEvent: event => events.push(event) })
  const warnings = events.flatMap(event => (event.event === 'log' && event.level === 'warn' ? [event] : []))
  return { result, warnings }
}

describe('a member that is skipped', () => {
  it('is an event, a line of the log, a count, and an entry with its reason in manifest and status', async () => {
    const rows = project(rowsPipeline, { 'in/a.zip': buildZip([good, ...condemned, damaged]) })
    const { result, warnings } = await runAndListen(rows)
    expect(result).toMatchObject({ status: 'complete', tasks: [{ members: 1, membersSkipped: 5, rowsWritten: 1 }] })
    const named = Object.fromEntries(warnings.map(({ archive, member, message }) => [member, { archive, message }]))
    const { skipped } = rows.manifest('rows').runs[0]!
    expect(skipped).toMatchObject({ count: 5, files: [] })
    expect(Object.fromEntries(skipped!.first.map(({ member, code }) => [member, code]))).toEqual(codes)
    for (const { archive, member, message } of skipped!.first) {
      expect(archive).toBe('in/a.zip')
      expect(message).toContain(`member ${member} of in/a.zip`)
      expect(named[member]).toEqual({ archive, message: `member skipped: ${message}` })
    }
    expect((await fanmill.status({ output: rows.out })).skipped).toEqual(skipped)
    expect(warnings).toHaveLength(5)
  })

  it('is skipped with all its rows when it is so large that it is streamed', async () => {
    const data = `id\n${'12345678\n'.repeat(8_000_000)}`
    const big: MemberSpec = { name: 'big.csv', data, method: 0, declared: { crc32: 1 } }
    const limitless = rowsPipeline.replace(', limits: { memberBytesMax: 1000 }', '')
    const rows = project(limitless, { 'in/a.zip': buildZip([good, big]) })
    const { result, warnings } = await runAndListen(rows)
    expect(result).toMatchObject({ status: 'complete', tasks: [{ members: 1, membersSkipped: 1, rowsWritten: 1 }] })
    const { skipped } = rows.manifest('rows').runs[0]!
    expect(skipped).toMatchObject({ count: 1, first: [{ member: 'big.csv', code: 'ZIP_CRC_MISMATCH' }] })
    expect(warnings.map(({ member }) => member)).toEqual(['big.csv'])
  })

  it('is listed where members are extracted too', async () => {
    const rows = project(filesPipeline, { 'in/a.zip': buildZip([good, condemned[0]!, damaged]) })
    const { result, warnings } = await runAndListen(rows)
    expect(result).toMatchObject({ status: 'complete', tasks: [{ members: 1, membersSkipped: 2 }] })
    const { skipped } = rows.manifest('rows').runs[0]!
    expect(skipped!.first.map(({ member }) => member)).toEqual(['encrypted.csv', 'crc.csv'])
    expect(warnings.map(({ member }) => member)).toEqual(['encrypted.csv', 'crc.csv'])
  })

  it('is listed in a file of the state when there are many', async () => {
    const condemnedMany = Array.from({ length: 150 }, (_, index) => ({
      name: `c${index}.csv`,
      data: 'id\n',
      method: 93,
    }))
    const damagedMany = Array.from({ length: 30 }, (_, index) => ({ ...damaged, name: `d${index}.csv` }))
    const rows = project(rowsPipeline, { 'in/a.zip': buildZip([good, ...condemnedMany, ...damagedMany]) })
    const { result, warnings } = await runAndListen(rows)
    expect(result).toMatchObject({ status: 'complete', tasks: [{ members: 1, membersSkipped: 180 }] })
    const { count, first, files } = rows.manifest('rows').runs[0]!.skipped!
    expect([count, first.length, files.length]).toEqual([180, 20, 2])
    const listed = files.flatMap(file =>
      gunzipSync(readFileSync(join(rows.out, file)))
        .toString()
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).member as string),
    )
    expect(listed.sort()).toEqual([...condemnedMany, ...damagedMany].map(({ name }) => name).sort())
    expect(warnings.map(({ message }) => message)).toContainEqual(
      '50 more members were skipped; the state of the run lists every one: fanmill status',
    )
  })

  it('fails the run with its code unless the source skips bad members', async () => {
    const rows = project(rowsPipeline.replace("onBadMember: 'skip', ", ''), {
      'in/a.zip': buildZip([good, condemned[1]!]),
    })
    await expect(rows.run()).rejects.toMatchObject({ code: 'ZIP_METHOD_UNSUPPORTED', detail: { member: 'zstd.csv' } })
  })
})

describe('an archive that gives nothing to a run', () => {
  it('is a warning with its name, also when the run is complete already', async () => {
    const rows = project(rowsPipeline, {
      'in/a.zip': buildZip([good]),
      'in/other.zip': buildZip({ 'readme.txt': 'x' }),
      'in/bad.zip': buildZip([condemned[0]!]),
    })
    for (const status of ['complete', 'skipped']) {
      const { result, warnings } = await runAndListen(rows)
      expect(result.status).toBe(status)
      expect(
        warnings.filter(({ member }) => member === undefined).map(({ archive, message }) => [archive, message]),
      ).toEqual([
        [
          'in/bad.zip',
          'archive in/bad.zip gives nothing to the run: all 1 members that match **/*.csv are skipped as bad, the first: member encrypted.csv of in/bad.zip: expected no encryption; decrypt the archive first',
        ],
        ['in/other.zip', 'archive in/other.zip gives nothing to the run: no member matches **/*.csv'],
      ])
    }
  })

  it('is read when its names spell the same paths differently', async () => {
    const rows = project(rowsPipeline.replace('**/*.csv', 'data/*.csv'), {
      'in/1.zip': buildZip({ 'data/a.csv': 'id\n1\n' }),
      'in/2.zip': buildZip({ './data/a.csv': 'id\n2\n' }),
      'in/3.zip': buildZip({ 'data\\a.csv': 'id\n3\n' }),
    })
    const { result, warnings } = await runAndListen(rows)
    expect(result).toMatchObject({ status: 'complete', tasks: [{ members: 3, rowsWritten: 3 }] })
    expect(warnings).toEqual([])
  })
})
