/** Rows that come beside those that a dataset holds: their columns, their partitions, and parts without rows. */
import { describe, expect, it } from 'vitest'
import { type Project, project } from './project.ts'

const pipeline = (columns: string, output: string, more = '') => `
import { column, csv, files, param, parquet, pipeline, sql, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { ${columns} },
  output: parquet({ path: 't', ${output} }),
  ${more}
})
export default pipeline({ name: 't', tasks: [t] })
`
const modes = ['append', 'replacePartitions'] as const
const before = 'a: column.int64(), b: column.string()'

/** Runs the pipeline over one file, then as it is changed over another one. */
async function runBoth(
  mode: string,
  columns: string,
  partitions = `partitionBy: ['b']`,
): Promise<[Project, ReturnType<Project['run']>]> {
  const some = project(pipeline(before, `mode: '${mode}', partitionBy: ['b']`), { 'in/1.csv': 'a,b\n1,x\n2,y\n' })
  expect(await some.run()).toMatchObject({ status: 'complete' })
  some.write({ 'pipeline.ts': pipeline(columns, `mode: '${mode}', ${partitions}`), 'in/2.csv': 'a,b,c\n3,z,7\n' })
  if (mode === 'replacePartitions') some.write({ 'in/1.csv': 'a,b,c\n' })
  return [some, some.run()]
}

describe.each(modes)('a run that adds to a dataset by %s', mode => {
  it.each([
    ['another type', 'a: column.string(), b: column.string()', 'a is string in place of int64'],
    ['a missing column', 'b: column.string(), c: column.int32()', 'a is missing in place of int64'],
  ])('is refused before anything is read where it has %s', async (_, columns, what) => {
    const [some, running] = await runBoth(mode, columns)
    const files = some.outputFiles()
    const error = await running.then(
      result => result.error,
      (thrown: Error) => thrown,
    )
    expect(error).toMatchObject({ code: 'OUTPUT_SCHEMA_MISMATCH', message: expect.stringContaining(what) })
    expect(error?.message).toContain('the columns a int64, b string as in the dataset in t')
    expect(some.outputFiles()).toEqual(files)
    expect(some.leftovers()).toEqual([])
  })

  it.each([
    // That replacePartitions has none is refused already by its definition.
    ...(mode === 'append' ? [['no partitions', '']] : []),
    ['other partitions', `partitionBy: ['a']`],
  ])('is refused before anything is read where it has %s', async (_, partitions) => {
    const [some, running] = await runBoth(mode, before, partitions)
    const files = some.outputFiles()
    const error = await running.then(
      result => result.error,
      (thrown: Error) => thrown,
    )
    expect(error).toMatchObject({
      code: 'OUTPUT_SCHEMA_MISMATCH',
      message: expect.stringContaining('expected parts partitioned by b as in the dataset in t'),
    })
    expect(some.outputFiles()).toEqual(files)
  })

  it('may add columns, and the manifest and openDataset describe all rows', async () => {
    const [some, running] = await runBoth(mode, `${before}, c: column.int32()`, `partitionBy: ['b'], sortBy: ['a']`)
    expect(await running).toMatchObject({ status: 'complete' })
    const schema = [
      { name: 'a', type: 'BIGINT' },
      { name: 'b', type: 'VARCHAR' },
      { name: 'c', type: 'INTEGER' },
    ]
    expect(some.manifest('t')).toMatchObject({ schema, addedColumns: ['c'] })
    expect((await some.rows()).sort((x, y) => Number(x.a) - Number(y.a))).toEqual([
      { a: 1n, b: 'x', c: null },
      { a: 2n, b: 'y', c: null },
      { a: 3n, b: 'z', c: 7 },
    ])
  })
})

describe('a dataset whose rows are all written again', () => {
  it('may have other columns with replace, and with append when all of its runs are forced', async () => {
    const some = project(pipeline(before, `mode: 'append'`), { 'in/1.csv': 'a,b\n1,x\n' })
    await some.run()
    some.write({ 'pipeline.ts': pipeline('a: column.string()', `mode: 'append'`) })
    expect(await some.run({ force: true })).toMatchObject({ status: 'complete' })
    expect(some.manifest('t').schema).toEqual([{ name: 'a', type: 'VARCHAR' }])
    expect(some.manifest('t').addedColumns).toBeUndefined()
    some.write({ 'pipeline.ts': pipeline('b: column.string()', '') })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(some.manifest('t').schema).toEqual([{ name: 'b', type: 'VARCHAR' }])
  })
})

describe('parts without rows', () => {
  const filtered = (mode: string) => pipeline(before, `mode: '${mode}', partitionBy: ['b']`, 'where: sql`a > 10`,')
  const csv = (first: number) => `a,b\n${first},x\n`

  it('are not beside partitions, whichever batch has none', async () => {
    const some = project(filtered('replace'), { 'in/1.csv': csv(1), 'in/2.csv': csv(11), 'in/3.csv': csv(2) })
    const { tasks } = await some.run({}, { groupBytes: 8 })
    expect(tasks).toMatchObject([{ parts: 1, rowsWritten: 1 }])
    expect(some.outputFiles()).toEqual(['t/_SUCCESS', expect.stringMatching(/^t\/b=x\/part-/)])
    expect(some.leftovers()).toEqual([])
  })

  it('carry the schema of a dataset without any rows, as one part', async () => {
    const some = project(filtered('replace'), { 'in/1.csv': csv(1), 'in/2.csv': csv(2) })
    await some.run({}, { groupBytes: 8 })
    expect(some.outputFiles()).toEqual(['t/_SUCCESS', expect.stringMatching(/^t\/part-/)])
    expect(some.manifest('t').totals).toMatchObject({ rows: 0, parts: 1 })
    expect(some.leftovers()).toEqual([])
  })

  it.each(modes)('go with the commit that brings the first rows by %s, and do not come again', async mode => {
    const some = project(filtered(mode), { 'in/1.csv': csv(1) })
    await some.run()
    expect(some.outputFiles()).toHaveLength(2)
    some.write({ 'in/2.csv': csv(11) })
    await some.run()
    const files = ['t/_SUCCESS', expect.stringMatching(/^t\/b=x\/part-/)]
    expect(some.outputFiles()).toEqual(files)
    some.write({ 'in/3.csv': csv(3) })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(some.outputFiles()).toEqual(files)
    expect(some.leftovers()).toEqual([])
    if (mode === 'append') expect(some.manifest('t').runs).toHaveLength(3)
    // A complete dataset is shown with all of its rows.
    expect(await some.run()).toMatchObject({ status: 'skipped', tasks: [{ rowsWritten: 1, parts: 1 }] })
  })
})
