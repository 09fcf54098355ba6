/** Rows and files of tar archives, which are the same as those of a zip with the same members. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DatasetRow } from '../../lib/index.ts'
import { buildZip } from '../zip-builder.ts'
import { type Project, project } from './project.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/tar/${name}.tar`, import.meta.url))
const long = `data/${'l'.repeat(120)}/${'n'.repeat(130)}.csv`
const sameMembers = buildZip({
  './data/a.csv': 'id,name\n1,a\n2,b\n',
  'data/b.csv': 'id,name\n3,c\n',
  [long]: 'id,name\n4,d\n',
  'data/ä.csv': 'id,name\n5,ä\n',
  'readme.txt': 'hello',
  'data/empty.csv': 'id,name\n',
})

const rowsTask = (source = '', more = '') => `
import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
export const t = task({
  name: 't',
  source: zipMembers({ paths: 'in/*', members: 'data/**/*.csv', format: csv(), ${source} }),
  columns: { id: column.int32(), name: column.string() },
  output: parquet({ path: 't' }), ${more}
})
export default pipeline({ name: 'p', tasks: [t] })
`
/** A task for the rows and one for the files of each folder. */
const tasksFor = (count: number): string => `
import { column, csv, memberFiles, parquet, pipeline, task, zipMembers } from 'fanmill'
const columns = { id: column.int32(), name: column.string() }
const tasks = Array.from({ length: ${count} }, (_, index) => index).flatMap(index => {
  const paths = 'in/' + index + '/*'
  return [
    task({
      name: 'rows' + index,
      source: zipMembers({ paths, members: 'data/**/*.csv', format: csv() }),
      columns,
      output: parquet({ path: 'rows/' + index }),
    }),
    task({ name: 'files' + index, source: zipMembers({ paths }), output: memberFiles({ path: 'files/' + index }) }),
  ]
})
export default pipeline({ name: 'p', tasks })
`
const filesTask = `
import { memberFiles, pipeline, task, zipMembers } from 'fanmill'
export const t = task({ name: 't', source: zipMembers({ paths: 'in/*' }), output: memberFiles({ path: 't' }) })
export default pipeline({ name: 'p', tasks: [t] })
`

const archives: readonly (readonly [string, Buffer])[] = [
  ['a.tar', fixture('gnu')],
  ['a.tar.gz', gzipSync(fixture('pax'))],
  ['a.tgz', gzipSync(fixture('gnu'))],
  ['a.tar.zst', zstdCompressSync(fixture('pax'))],
]

const sorted = async (each: Project) => (await each.rows()).sort((a, b) => Number(a.id) - Number(b.id))

const compressed = (name: string): Buffer => readFileSync(new URL(`../fixtures/${name}`, import.meta.url))

describe('bzip2 and xz', () => {
  it.each(['bz2', 'xz'])('give the rows of files, members and tar archives that end in .%s', async ending => {
    const small = compressed(`compressed/small.csv.${ending}`)
    const archived = project(rowsTask().replace('*.csv', '*.csv*'), {
      'in/a.zip': buildZip({ [`data/small.csv.${ending}`]: small }),
      [`in/b.tar.${ending}`]: compressed(`tar/pax.tar.${ending}`),
    })
    expect(await archived.run()).toMatchObject({ status: 'complete' })
    expect((await sorted(archived)).map(({ id }) => id)).toEqual([1, 1, 2, 2, 3, 4, 5])
    const task = rowsTask().replace(/zipMembers\(\{.*\}\)/, "files({ paths: 'in/*', format: csv() })")
    const plain = project(task.replace('zipMembers', 'files'), {
      [`in/rows.csv.${ending}`]: compressed(`compressed/rows.csv.${ending}`),
    })
    expect((await plain.run()).tasks[0]).toMatchObject({ rowsWritten: 15_000, rowsRejected: 0 })
    const cut = project(task.replace('zipMembers', 'files'), { [`in/cut.csv.${ending}`]: small.subarray(0, -2) })
    expect((await cut.run()).error?.message).toContain(`in/cut.csv.${ending}: its compressed data is cut short`)
    expect(cut.outputFiles()).toEqual([])
  })
})

describe('tar archives', () => {
  it('give the rows, counts and files of a zip with the same members, plain and compressed', async () => {
    const inputs = [['a.zip', sameMembers] as const, ...archives]
    const all = project(
      tasksFor(inputs.length),
      Object.fromEntries(inputs.map(([name, bytes], index) => [`in/${index}/${name}`, bytes])),
    )
    const { status, tasks } = await all.run()
    expect(status).toBe('complete')
    const byId = (one: DatasetRow, other: DatasetRow): number => Number(one.id) - Number(other.id)
    const results = await Promise.all(
      inputs.map(async (_, index) => {
        const { members, rowsWritten, rowsRejected } = tasks.find(({ task }) => task === `rows${index}`)!
        const files = all
          .manifest(`files/${index}`)
          .files?.map(({ path, sizeBytes, crc32 }) => [path, sizeBytes, crc32])
        const contents = files?.map(([path]) => readFileSync(join(all.out, `files/${index}/${path}`), 'utf8'))
        return {
          rows: (await all.rows(`rows/${index}`)).sort(byId),
          members,
          rowsWritten,
          rowsRejected,
          files,
          contents,
        }
      }),
    )
    expect(results[0]).toMatchObject({ members: 5, rowsWritten: 5, rowsRejected: 0 })
    expect(results[0]!.files).toHaveLength(6)
    for (const [index, result] of results.entries()) expect([index, result]).toEqual([index, results[0]])
    expect(await all.run()).toMatchObject({ status: 'skipped' })
  })

  it('fail for links and files of one name, or skip them with a reason each', async () => {
    const bytes = { 'in/links.tgz': gzipSync(fixture('links')) }
    await expect(project(rowsTask(), bytes).run()).rejects.toMatchObject({
      code: 'TAR_BAD_MEMBER',
      message: expect.stringContaining('member data/soft.csv of in/links.tgz: expected a file, got a link'),
    })
    const lenient = project(rowsTask("onBadMember: 'skip'"), bytes)
    const { status, tasks } = await lenient.run()
    expect(status).toBe('complete')
    expect(tasks[0]).toMatchObject({ membersSkipped: 5, members: 2 })
    expect(await sorted(lenient)).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ])
  })

  it('refuse to extract names that lead out of the folder', async () => {
    const unsafe = project(filesTask, { 'in/unsafe.tar': fixture('unsafe') })
    await expect(unsafe.run()).rejects.toMatchObject({ code: 'ZIP_UNSAFE_NAME' })
    expect(unsafe.outputFiles()).toEqual([])
  })

  it('leave no output when they are damaged, and name the archive', async () => {
    const whole = gzipSync(fixture('pax'))
    const cut = project(rowsTask(), { 'in/cut.tar.gz': whole.subarray(0, -20) })
    const open = project(rowsTask(), { 'in/open.tar.gz': gzipSync(gunzipSync(whole).subarray(0, 6000)) })
    await expect(cut.run()).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('in/cut.tar.gz'),
    })
    await expect(open.run()).rejects.toMatchObject({
      code: 'TAR_DAMAGED',
      message: expect.stringContaining('in/open.tar.gz'),
    })
    expect([...cut.outputFiles(), ...open.outputFiles()]).toEqual([])
  })
})
