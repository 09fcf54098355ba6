/** Outputs of the pipeline, its state and packages are never inputs. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import { rootsApart } from '../../lib/local/roots/roots-apart.ts'
import { buildZip } from '../zip-builder.ts'
import { project } from './project.ts'

const textOf = (tasks: string, names: string) => `
import { column, csv, files, memberFiles, parquet, parquetFiles, pipeline, task, zipMembers } from 'fanmill'
${tasks}
export default pipeline({ name: 'p', tasks: [${names}] })
`
const rowsTask = (paths: string) =>
  textOf(
    `export const t = task({ name: 't', source: files({ paths: '${paths}', format: csv() }), columns: { id: column.int64() }, output: parquet({ path: '{task}' }) })`,
    't',
  )
const parquetTask = textOf(
  `export const t = task({ name: 't', source: files({ paths: '**/*.parquet', format: parquetFiles() }), output: parquet({ path: '{task}' }) })`,
  't',
)
const isOutput = expect.objectContaining({
  code: 'INPUT_IS_OUTPUT',
  message: expect.stringMatching(/an output of task t/),
})

describe('a task that would read its own output', () => {
  it('is refused before its first run, with the key that it would read, in plan as well', async () => {
    const own = project(parquetTask, { 'a.parquet': 'no parquet yet' })
    await expect(own.run()).rejects.toMatchObject({
      code: 'INPUT_IS_OUTPUT',
      detail: { task: 't', key: 'out/t/part-0-0-0000000000000000-1.parquet' },
    })
    const planning = fanmill.plan(join(own.folder, 'pipeline.ts'), { input: own.folder, output: own.out })
    await expect(planning).rejects.toEqual(isOutput)
  })

  it.each([
    ['the input root is the output root', '.', '.'],
    ['the input root lies in the output root', 'all/in', 'all'],
    ['the output root is written with ..', '.', 'elsewhere/../out'],
    ['the output is the input folder itself, by a longer way', 'in', 'in/../in'],
  ])('is refused where %s', async (_what, input, output) => {
    const own = project(
      parquetTask.replace("path: '{task}'", input === 'all/in' ? "path: 'in/{task}'" : "path: '{task}'"),
    )
    for (const folder of ['in', 'all/in', 'elsewhere']) mkdirSync(join(own.folder, folder), { recursive: true })
    const roots = { input: join(own.folder, input), output: `${own.folder}/${output}` }
    await expect(own.run(roots)).rejects.toEqual(isOutput)
  })

  it('is refused where a root is reached by a link', async () => {
    const own = project(parquetTask)
    mkdirSync(join(own.folder, 'data'))
    symlinkSync(join(own.folder, 'data'), join(own.folder, 'link'))
    await expect(own.run({ input: join(own.folder, 'data'), output: join(own.folder, 'link') })).rejects.toEqual(
      isOutput,
    )
  })

  it('runs when the glob excludes the output', async () => {
    const own = project(rowsTask('!(out)/**'), { 'in/a.csv': 'id\n1\n' })
    for (const status of ['complete', 'skipped'])
      expect(await own.run()).toMatchObject({ status, tasks: [{ rowsWritten: 1 }] })
  })

  it('is refused for extracted archives that it would read again', async () => {
    const text = textOf(
      `export const t = task({ name: 't', source: zipMembers({ paths: '**/*.zip' }), output: memberFiles({ path: 'all' }) })`,
      't',
    )
    const own = project(text, { 'in/a.zip': buildZip({ 'inner.zip': buildZip({ 'a.txt': 'x' }) }) })
    expect(await own.run()).toMatchObject({ status: 'complete' })
    await expect(own.run()).rejects.toEqual(isOutput)
  })

  it('is refused for the output of another task of the pipeline, whatever its parameters', async () => {
    const text = textOf(
      `export const t = task({ name: 't', source: zipMembers({ paths: 'in/*.zip' }), output: memberFiles({ path: '{task}/x' }) })
       export const u = task({ name: 'u', source: files({ paths: '**/*.csv', format: csv() }), columns: { id: column.int64() }, output: parquet({ path: '{task}' }) })`,
      't, u',
    )
    const own = project(text, { 'in/a.zip': buildZip({ 'a.csv': 'id\n1\n' }) })
    expect(await own.run({ task: 't' })).toMatchObject({ status: 'complete' })
    await expect(own.run({ task: 'u' })).rejects.toEqual(isOutput)
  })
})

it('never reads state or packages, whatever the glob', async () => {
  const own = project(rowsTask('**/*.csv'), {
    'a.csv': 'id\n1\n',
    'node_modules/package/b.csv': 'id\n2\n',
    'deep/node_modules/c.csv': 'id\n3\n',
    'other/.fanmill/d.csv': 'id\n4\n',
  })
  expect(await own.run()).toMatchObject({ status: 'complete', tasks: [{ members: 1, rowsWritten: 1 }] })
})

describe('two roots in S3', () => {
  const place = (bucket: string, prefix: string) => ({ kind: 's3', bucket, prefix }) as const

  it.each([
    [place('b', ''), place('b', 'out/'), { strip: 'out/', add: '' }],
    [place('b', 'all/in/'), place('b', 'all/'), { strip: '', add: 'in/' }],
    [place('b', 'x/'), place('b', 'x/'), { strip: '', add: '' }],
    [place('b', 'in/'), place('b', 'in-out/'), undefined],
    [place('b', ''), place('c', ''), undefined],
  ])('are compared by bucket and prefix', (input, output, apart) => {
    expect(rootsApart(input, output)).toEqual(apart)
  })
})
