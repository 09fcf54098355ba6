/** The inputs and slices of a task that reads a dataset. */
import { describe, expect, it } from 'vitest'
import { files, parquet, parquetFiles, partitionsOf, task } from '../../lib/define/index.ts'
import { findInputs } from '../../lib/inputs/find-inputs.ts'
import type { Manifest } from '../../lib/model/outcome/manifest.ts'
import { runIdOf } from '../../lib/model/run/identity.ts'
import { planAppend } from '../../lib/runs/append.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'

const upstream = task({
  name: 'sales',
  source: files({ paths: '*.parquet', format: parquetFiles() }),
  output: parquet({ path: 'sales', mode: 'append', partitionBy: ['day'] }),
})
const reading = task({ name: 'copy', source: partitionsOf(upstream), output: parquet({ path: 'copy' }) })

const totals = { rows: 1, bytes: 1, parts: 1, rowsRead: 1, rowsRejected: 0, rowsFiltered: 0, members: 1 }
const runOf = (runId: string, more: object = {}) => ({
  ...{ runId, attempt: 1, task: 'sales', params: {}, codeHash: 'c', inputs: [], finishedAt: '2024-01-01T00:00:00Z' },
  ...{ totals, ...more },
})
const part = (runId: string, name: string, day: string, bytes = 100) => ({
  ...{ key: `day=${day}/${name}.parquet`, rows: 1, bytes, etag: `e-${name}`, runId, partition: { day } },
})

async function found(runs: Manifest['runs'], parts: Manifest['parts']) {
  const manifest: Manifest = {
    ...{ fanmill: 1, generation: 1, task: 'sales', runs, parts, totals, partitionBy: ['day'] },
    schema: [
      { name: 'id', type: 'BIGINT' },
      { name: 'day', type: 'DATE' },
    ],
  }
  const input = memoryStore()
  await input.write('sales/_SUCCESS', new TextEncoder().encode(JSON.stringify(manifest)))
  return findInputs({ input, task: reading, params: {} })
}

describe('the inputs of a task that reads a dataset', () => {
  it('are the runs that wrote it, and its slices are their parts, pinned as the manifest has them', async () => {
    const all = await found([runOf('b'), runOf('a')], [part('b', 'x', '2024-01-02'), part('a', 'y', '2024-01-01')])
    expect(all.inputs.map(({ key, identity }) => [key, identity])).toEqual([
      ['sales#a', 'a/1'],
      ['sales#b', 'b/1'],
    ])
    expect(all.cut(all.inputs)).toEqual([
      {
        ...{ kind: 'part', slice: 0, input: 0, bytes: 100 },
        part: { key: 'sales/day=2024-01-01/y.parquet', sizeBytes: 100, etag: 'e-y', partition: { day: '2024-01-01' } },
      },
      {
        ...{ kind: 'part', slice: 1, input: 1, bytes: 100 },
        part: { key: 'sales/day=2024-01-02/x.parquet', sizeBytes: 100, etag: 'e-x', partition: { day: '2024-01-02' } },
      },
    ])
    expect(all.hive).toEqual([])
  })

  it('are the same when the same rows were written as other parts', async () => {
    const one = await found([runOf('a')], [part('a', 'x', '2024-01-01')])
    const other = await found([runOf('a')], [part('a', 'z', '2024-01-01', 7), part('a', 'y', '2024-01-01', 9)])
    const idOf = ({ inputs }: typeof one) =>
      runIdOf({ outputPath: 'copy', task: 'copy', params: {}, codeHash: 'c', inputs })
    expect(idOf(other)).toBe(idOf(one))
    const again = await found([runOf('a', { attempt: 2 })], [part('a', 'x', '2024-01-01')])
    expect(idOf(again)).not.toBe(idOf(one))
  })

  it('change when a run lost some of its partitions', async () => {
    const parts = [part('a', 'x', '2024-01-01'), part('a', 'y', '2024-01-02'), part('a', 'z', '2024-01-03')]
    const identityOf = async (some: typeof parts) =>
      (await found([runOf('a', { isReplaced: true })], some)).inputs[0]?.identity
    expect(await identityOf(parts.slice(1))).toMatch(/^a\/1\/[0-9a-f]{16}$/)
    expect(await identityOf(parts.slice(1))).not.toBe(await identityOf(parts.slice(0, 2)))
  })

  it('leave an append only the parts of new runs', async () => {
    const parts = [part('a', 'x', '2024-01-01'), part('b', 'y', '2024-01-01')]
    const before = await found([runOf('a')], parts.slice(0, 1))
    const now = await found([runOf('a'), runOf('b')], parts)
    const manifest = { runs: [runOf('r', { inputs: before.inputs })] } as unknown as Manifest
    const { inputs } = planAppend(now.inputs, manifest, false)
    expect(now.cut(inputs)).toMatchObject([{ slice: 0, input: 0, part: { etag: 'e-y' } }])
  })
})
