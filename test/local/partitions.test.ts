/** Partitions over the threads, batches and runs of one machine. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const inputs = Object.fromEntries(
  Array.from({ length: 4 }, (_, archive) => [
    `${archive}.zip`,
    buildZip({ 'rows.csv': `k,n\n${Array.from({ length: 10 }, (_, n) => `${archive}-${n},${n}\n`).join('')}` }),
  ]),
)

const partitioned = (partitionsMax: number, files: Parameters<typeof project>[1] = inputs) =>
  project(
    `
import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
export const t = task({
  name: 't',
  source: zipMembers({ paths: '*.zip', format: csv() }),
  columns: { k: column.string(), n: column.int32() },
  output: parquet({ path: '{task}', partitionBy: ['k'], partitionsMax: ${partitionsMax} }),
})
export default pipeline({ name: 't', tasks: [t] })
`,
    files,
  )

it('refuses more partitions than partitionsMax, whichever threads found them, and commits nothing', async () => {
  const { run, outputFiles } = partitioned(39)
  const { status, error } = await run()
  expect(status).toBe('failed')
  expect(error).toMatchObject({ code: 'TOO_MANY_PARTITIONS', detail: { partitions: 40, partitionsMax: 39 } })
  expect(outputFiles()).toEqual([])
})

it('counts them over the batches of a run', async () => {
  const { error } = await partitioned(19).run({ workers: 1 }, { groupBytes: 32 })
  expect(error).toMatchObject({ code: 'TOO_MANY_PARTITIONS', detail: { partitionsMax: 19 } })
  expect(error?.message).toContain('partitionBy k: expected at most 19 partitions in a run, got at least 20')
})

it('writes as many partitions as partitionsMax allows', async () => {
  const { run, manifest } = partitioned(40)
  expect((await run()).status).toBe('complete')
  expect(manifest('t').parts).toHaveLength(40)
})

it('keeps every text as it was, in partitions too, also where files of the dataset are read again', async () => {
  const texts = [
    '\u2028',
    'a\u2029b',
    '\u0085',
    '\ufeff',
    '\ufeffx',
    'x',
    'a\nb',
    'a\rb',
    '\t',
    ' ',
    'a/b',
    '..',
    '%41',
    '=',
  ]
  const lines = texts.map((text, n) => `"${text}",${n}\n`).join('')
  const zip = buildZip({ 'rows.csv': `k,n\n${lines},${texts.length}\n` })
  const { run, rows, leftovers, out } = partitioned(100, { 'a.zip': zip })
  expect((await run()).status).toBe('complete')
  const sorted = (found: Awaited<ReturnType<typeof rows>>) => found.sort((a, b) => Number(a.n) - Number(b.n))
  const found = sorted(await rows())
  expect(found.map(({ k }) => k)).toEqual([...texts, null])
  expect(leftovers()).toEqual([])
  const again = project(`
import { files, parquet, parquetFiles, pipeline, task } from 'fanmill'
const t = task({
  name: 't',
  source: files({ paths: 't/**/*.parquet', format: parquetFiles() }),
  output: parquet({ path: '{task}' }),
})
export default pipeline({ name: 't', tasks: [t] })
`)
  expect(await again.run({ input: out })).toMatchObject({ status: 'complete' })
  expect(sorted(await again.rows())).toEqual(found)
  expect(again.manifest('t').schema).toEqual([
    { name: 'n', type: 'INTEGER' },
    { name: 'k', type: 'VARCHAR' },
  ])
})

it('ends with PARTS_LOST when another program keeps removing uncommitted parts', async () => {
  const { run, out, outputFiles } = partitioned(100)
  const onEvent = ({ event }: { readonly event: string }): void => {
    if (event === 'batch') rmSync(join(out, '.fanmill/pending'), { recursive: true, force: true })
  }
  const { status, error } = await run({ onEvent })
  expect(status).toBe('failed')
  expect(error).toMatchObject({ code: 'PARTS_LOST', detail: { batches: [0] } })
  expect(outputFiles()).toEqual([])
})

it('makes one partition of numbers that are equal, such as 0 and -0, and replaces it whole', async () => {
  const code = `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export default pipeline({ name: 't', tasks: [task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { v: column.float64(), f: column.float32(), n: column.int32() },
  output: parquet({ path: 't', partitionBy: ['v', 'f'], mode: 'replacePartitions' }),
}).sql\`select v, case when n < 0 then f / f else f end as f, n from input\`] })`
  const some = project(code, { 'a.csv': 'v,f,n\n-0.0,1,1\n0,1,2\n5,0,3\n5,-0.0,4\n7,nan,5\n7,0,-6\n' })
  expect((await some.run()).error).toBeUndefined()
  expect(some.manifest('t').parts.map(({ partition }) => partition)).toHaveLength(3)
  some.write({ 'a.csv': 'v,f,n\n0,1,7\n5,-0.0,8\n7,nan,9\n' })
  expect((await some.run()).error).toBeUndefined()
  expect((await some.rows('t')).map(({ n }) => n).toSorted()).toEqual([7, 8, 9])
})
