import { describe, expect, it } from 'vitest'
import { actionBytes, type MetaData, readActions } from '../../lib/delta/actions.ts'
import { logFolder, versionName } from '../../lib/delta/log-names.ts'
import { readTable } from '../../lib/delta/read-table.ts'
import { TransientError } from '../../lib/errors/errors.ts'
import { type MemoryStore, memoryStore } from '../../lib/store/memory-store.ts'
import { changeOf, fileOf, statistics, tableIn, write } from './table.ts'

const logKey = (version: number): string => `sales/${logFolder}${versionName(version)}`
const actionsIn = (store: MemoryStore, version: number) =>
  readActions(store.objects.get(logKey(version))!, logKey(version))

async function filesIn(store: MemoryStore, version?: number): Promise<string[]> {
  const snapshot = await readTable(tableIn(store), version)
  return [...snapshot!.files.keys()].sort()
}

describe('a version of a Delta table', () => {
  it('begins a table with protocol, columns, transaction and files', async () => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    const actions = actionsIn(store, 0)
    expect(actions.map(action => Object.keys(action)[0])).toEqual(['commitInfo', 'protocol', 'metaData', 'txn', 'add'])
    expect(actions[1]!.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })
    expect(actions[2]!.metaData).toMatchObject({ partitionColumns: [], format: { provider: 'parquet' } })
    expect(actions[3]!.txn).toMatchObject({ appId: 'out', version: 1 })
    expect(actions[4]!.add).toMatchObject({ path: 'part-out-1.parquet', size: 100, dataChange: true })
  })

  it('asks for timestampNtz where a column has timestamps without a zone, also when it is added later', async () => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    const schema = [...changeOf('out', 2).schema, { name: 'at', type: 'TIMESTAMP' }]
    await write(store, changeOf('out', 2, { schema }))
    const snapshot = await readTable(tableIn(store))
    expect(snapshot!.protocol).toEqual({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['appendOnly', 'invariants', 'timestampNtz'],
    })
    expect(JSON.parse(snapshot!.metaData.schemaString).fields.map((field: { type: string }) => field.type)).toEqual([
      'long',
      'string',
      'timestamp_ntz',
    ])
  })

  it('is written once, however often the same generation is committed', async () => {
    const store = memoryStore()
    for (let time = 0; time < 3; time++) await write(store, changeOf('out', 1))
    expect((await readTable(tableIn(store)))!.version).toBe(0)
  })

  it('removes all files in an overwrite, and keeps old versions readable', async () => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    await write(store, changeOf('other', 1))
    await write(store, changeOf('out', 2, { mode: 'overwrite' }))
    expect(await filesIn(store)).toEqual(['part-out-2.parquet'])
    expect(await filesIn(store, 1)).toEqual(['part-other-1.parquet', 'part-out-1.parquet'])
    expect(actionsIn(store, 2).filter(action => action.remove)).toHaveLength(2)
  })

  it('removes the files in the partitions of the new rows, whoever wrote them and however they wrote the value', async () => {
    const store = memoryStore()
    const schema = [
      { name: 'at', type: 'TIMESTAMP WITH TIME ZONE' },
      { name: 'id', type: 'BIGINT' },
    ]
    const change = { schema, partitionBy: ['at'], mode: 'replacePartitions' as const }
    const files = ['2024-01-01 10:00:00+00', '2024-01-02 10:00:00+00', ''].map((at, index) =>
      fileOf(`${index}`, { at }),
    )
    await write(store, changeOf('out', 1, { ...change, added: files }))
    expect(
      actionsIn(store, 0)
        .map(({ add }) => add?.partitionValues.at)
        .slice(-3),
    ).toEqual(['2024-01-01 10:00:00', '2024-01-02 10:00:00', null])
    const log = Buffer.from(store.objects.get(logKey(0))!).toString()
    store.objects.set(logKey(0), Buffer.from(log.replace('2024-01-01 10:00:00', '2024-01-01T10:00:00.000000Z')))
    const added = [fileOf('new', { at: '2024-01-01 10:00:00+00' }), fileOf('none', { at: null })]
    await write(store, changeOf('out', 2, { ...change, added }))
    expect(await filesIn(store)).toEqual(['1', 'new', 'none'])
  })

  it.each([
    ['inf', ['Infinity', 'inf'], ['nan', '-inf']],
    ['-inf', ['-Infinity', '-inf'], ['Infinity', 'NaN']],
    ['nan', ['NaN', 'nan'], ['inf', '-Infinity']],
    ['0.0', ['-0.0', '0'], ['nan', '']],
  ])('removes files in the partition of a float, and none of other values: %s', async (value, equal, others) => {
    const store = memoryStore()
    const schema = [
      { name: 'v', type: 'DOUBLE' },
      { name: 'id', type: 'BIGINT' },
    ]
    const change = { schema, partitionBy: ['v'], mode: 'replacePartitions' as const }
    await write(
      store,
      changeOf('out', 1, { ...change, added: [...equal, ...others].map(v => fileOf(`of ${v}`, { v })) }),
    )
    await write(store, changeOf('out', 2, { ...change, added: [fileOf('new', { v: value })] }))
    expect(await filesIn(store)).toEqual(['new', ...others.map(v => `of%20${v}`)].toSorted())
  })

  it('removes the files of the runs that it replaces in an append', async () => {
    const store = memoryStore()
    await write(store, changeOf('out', 1, { added: [fileOf('a b.parquet')] }))
    await write(store, changeOf('other', 1))
    await write(store, changeOf('out', 2, { replaced: ['a b.parquet'] }))
    expect(await filesIn(store)).toEqual(['part-other-1.parquet', 'part-out-2.parquet'])
  })

  it('loses nothing of twenty writers at once', async () => {
    const store = memoryStore()
    const apps = Array.from({ length: 20 }, (_, index) => `writer${index}`)
    await Promise.all(apps.map(app => write(store, changeOf(app, 1))))
    expect(await filesIn(store)).toEqual(apps.map(app => `part-${app}-1.parquet`).sort())
    expect((await readTable(tableIn(store)))!.version).toBe(19)
  })

  it.each(['before', 'after'] as const)('settles an answer that was lost %s the version was created', async phase => {
    let isLost = true
    const store = memoryStore({
      onRequest: ({ operation, key }, when) => {
        if (operation !== 'create' || key !== logKey(0) || when !== phase || !isLost) return
        isLost = false
        throw new TransientError('STORE_FAILED', 'the answer was lost', {})
      },
    })
    await write(store, changeOf('out', 1))
    expect(isLost).toBe(false)
    expect(await filesIn(store)).toEqual(['part-out-1.parquet'])
    expect((await readTable(tableIn(store)))!.version).toBe(0)
  })

  it('comes after the version of another writer that was faster', async () => {
    const store = memoryStore()
    let isFirst = true
    await write(store, changeOf('out', 1), async (_, act) => {
      if (isFirst) await write(store, changeOf('other', 1))
      isFirst = false
      return act()
    })
    expect(await filesIn(store)).toEqual(['part-other-1.parquet', 'part-out-1.parquet'])
    expect(actionsIn(store, 1).some(action => action.metaData)).toBe(false)
  })

  it('fails when another writer changed the columns meanwhile, so that the rows no longer fit', async () => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    const other = changeOf('other', 1, { mode: 'overwrite', schema: [{ name: 'id', type: 'VARCHAR' }] })
    const writing = write(store, changeOf('out', 2), async (_, act) => {
      await write(store, other)
      return act()
    })
    await expect(writing).rejects.toMatchObject({
      code: 'OUTPUT_SCHEMA_MISMATCH',
      message: expect.stringMatching(/column id of type string/),
    })
  })

  it.each([
    ['lacks a column', { schema: [{ name: 'id', type: 'BIGINT' }] }, /expected column state.*got rows without it/],
    [
      'has another partitioning',
      { partitionBy: ['state'] },
      /expected files without partitions.*got files partitioned by state/,
    ],
  ])('refuses an append that %s', async (_, change, message) => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    const writing = write(store, changeOf('out', 2, change))
    await expect(writing).rejects.toMatchObject({
      code: 'OUTPUT_SCHEMA_MISMATCH',
      message: expect.stringMatching(message),
    })
  })

  it('refuses rows with nulls in a column that may have none', async () => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    changeMetaData(store, metaData => ({ ...metaData, schemaString: metaData.schemaString.replace('true', 'false') }))
    const withNulls = (id: number) => ({ added: [{ ...fileOf('x'), statistics: statistics(3, { id }) }] })
    const writing = write(store, changeOf('out', 2, withNulls(1)))
    await expect(writing).rejects.toMatchObject({
      message: expect.stringMatching(/expected a value in every row of column id/),
    })
    await write(store, changeOf('out', 2, withNulls(0)))
  })
})

describe('tables that ask for more than Fanmill knows', () => {
  const configured = (key: string, value: string) => (metaData: MetaData) => ({
    ...metaData,
    configuration: { [key]: value },
  })
  const marked = (mark: string) => (metaData: MetaData) => ({
    ...metaData,
    schemaString: metaData.schemaString.replace('"metadata":{}', `"metadata":{"${mark}":1}`),
  })
  it.each([
    ['column mapping', configured('delta.columnMapping.mode', 'name')],
    ['deletion vectors', configured('delta.enableDeletionVectors', 'true')],
    ['CHECK constraints', configured('delta.constraints.positive', 'id > 0')],
    ['row tracking', configured('delta.enableRowTracking', 'true')],
    ['in-commit timestamps', configured('delta.enableInCommitTimestamps', 'true')],
    ['generated columns', marked('delta.generationExpression')],
    ['identity columns', marked('delta.identity.start')],
    ['column invariants', marked('delta.invariants')],
  ])('are refused by name: %s', async (name, change) => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    changeMetaData(store, change)
    const writing = write(store, changeOf('out', 2))
    await expect(writing).rejects.toMatchObject({
      code: 'DELTA_UNSUPPORTED',
      message: expect.stringContaining(`with ${name}`),
    })
  })

  it.each([
    ['deletionVectors', 'deletion vectors'],
    ['rowTracking', 'row tracking'],
    ['inCommitTimestamp', 'in-commit timestamps'],
    ['v2Checkpoint', 'v2 checkpoints'],
    ['someFeature', 'someFeature'],
  ])('are refused by name: the feature %s', async (feature, name) => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: [feature] }
    store.objects.set(logKey(1), actionBytes([{ protocol }]))
    const writing = write(store, changeOf('out', 2))
    await expect(writing).rejects.toMatchObject({
      code: 'DELTA_UNSUPPORTED',
      message: expect.stringContaining(`with ${name}`),
    })
  })

  it('may only be appended to where they say so', async () => {
    const store = memoryStore()
    await write(store, changeOf('out', 1))
    changeMetaData(store, configured('delta.appendOnly', 'true'))
    const writing = write(store, changeOf('out', 2, { mode: 'overwrite' }))
    await expect(writing).rejects.toMatchObject({
      code: 'DELTA_UNSUPPORTED',
      message: expect.stringMatching(/delta.appendOnly/),
    })
    await write(store, changeOf('out', 2))
    expect(await filesIn(store)).toHaveLength(2)
  })
})

/** Adds a version with other metadata, as another program would. */
function changeMetaData(store: MemoryStore, change: (metaData: MetaData) => MetaData): void {
  const metaData = actionsIn(store, 0).find(action => action.metaData)!.metaData!
  store.objects.set(logKey(1), actionBytes([{ metaData: change(metaData) }]))
}
