/** Partitions over the threads, batches and runs of one machine. */
import { expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { project } from './project.ts'

const inputs = Object.fromEntries(
  Array.from({ length: 4 }, (_, archive) => [
    `${archive}.zip`,
    buildZip({ 'rows.csv': `k,n\n${Array.from({ length: 10 }, (_, n) => `${archive}-${n},${n}\n`).join('')}` }),
  ]),
)

const partitioned = (partitionsMax: number) =>
  project(
    `
import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
export const t = task({
  name: 't',
  source: zipMembers({ archives: '*.zip', format: csv() }),
  columns: { k: column.string(), n: column.int32() },
  output: parquet({ path: '{task}', partitionBy: ['k'], partitionsMax: ${partitionsMax} }),
})
export default pipeline({ name: 't', tasks: [t] })
`,
    inputs,
  )

it('refuses more partitions than there may be in a run, whichever threads met them, and commits nothing', async () => {
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

it('writes as many as there may be', async () => {
  const { run, manifest } = partitioned(40)
  expect((await run()).status).toBe('complete')
  expect(manifest('t').parts).toHaveLength(40)
})
