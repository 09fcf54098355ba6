/** A disk that is full is said to be, whatever the engine was writing. /dev/full answers every write as a full disk does; a thread may write there. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { column, csv, files } from '../../lib/define/index.ts'
import type { AnyTaskOptions } from '../../lib/define/tasks/task-options.ts'
import { engineFault, openEngine } from '../../lib/duckdb/engine.ts'
import type { WorkerJob } from '../../lib/model/worker-job.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { openThread, type Thread } from '../../lib/threads/worker/worker-thread.ts'
import { parquetOf, taskOf } from './converting.ts'

const full = { name: 'CapacityError', code: 'DISK_FULL', message: expect.stringContaining('free some space') }
const slice = { kind: 'file', slice: 0, input: 0, bytes: 8 } as const

let folder: string
let thread: Thread | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-full-'))
  for (const name of ['in', 'stage/streams']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'in', 'x.csv'), 'k,n\na,1\n')
})
afterEach(() => {
  thread?.close()
  thread = undefined
  rmSync(folder, { recursive: true, force: true })
})

const columns = { k: column.string(), n: column.int32() }

async function run(job: WorkerJob, options: Partial<AnyTaskOptions> = {}): Promise<unknown> {
  thread = await openThread(
    taskOf({ columns, source: files({ paths: '*.csv', format: csv() }), ...options }),
    {
      ...{ params: {}, tables: [], input: { kind: 'disk', folder: join(folder, 'in') } },
      ...{ stageFolder: join(folder, 'stage'), partFolder: '/dev' },
      ...{ engineBytes: 256 * 1024 * 1024, stageBytesMax: 1e9 },
    },
    () => {},
  )
  return thread.run(job as never)
}

/** In a folder that the engine may write to, beside /dev. */
const target = (): string => join(folder, 'stage', 'streams', 'p')

async function share(): Promise<WorkerJob> {
  const found = await diskStore(join(folder, 'in')).stat('x.csv')
  const inputs = { 0: { key: 'x.csv', sizeBytes: 8, etag: found?.etag ?? '', identity: '' } }
  return { kind: 'share', slices: [slice], inputs, target: target(), groupBytes: 1e6 }
}

describe('a full disk is DISK_FULL', () => {
  it('while rejected rows of a conversion are written', async () => {
    writeFileSync(join(folder, 'in', 'x.csv'), 'k,n\na,?\n')
    symlinkSync('/dev/full', `${target()}-0-located.rejects`)
    await expect(run(await share())).rejects.toMatchObject(full)
  })

  it('while parts are merged', async () => {
    const part = join(folder, 'stage', 'streams', 'small.parquet')
    writeFileSync(part, await parquetOf('SELECT 1 AS n'))
    symlinkSync('/dev/full', `${target()}.parquet`)
    await expect(run({ kind: 'merge', files: [part, part], target: target() })).rejects.toMatchObject(full)
  })

  it('while accounts are written', async () => {
    symlinkSync('/dev/full', `${target()}-0.accounts`)
    await expect(run(await share())).rejects.toMatchObject(full)
  })

  it('while the accounts of several groups are joined', async () => {
    const file = join(folder, 'stage', 'streams', 'group.parquet')
    writeFileSync(file, await parquetOf("SELECT 'a' AS archive, 'm' AS member, 1 AS records, 0 AS rejected"))
    symlinkSync('/dev/full', target())
    await expect(run({ kind: 'accounts', files: [file, file], target: target() })).rejects.toMatchObject(full)
  })

  it('while the engine spills', async () => {
    const engine = await openEngine({
      folders: [folder],
      tempFolder: join(folder, 'spill'),
      memoryBytes: 64 * 1024 * 1024,
      load: async connection => void (await connection.run("SET max_temp_directory_size = '1MiB'")),
    })
    try {
      const connection = await engine.connect()
      const sorting = connection.run(
        "SELECT * FROM (SELECT hash(i) AS h, repeat('x', 50) || i FROM range(3000000) t(i)) ORDER BY h",
      )
      expect(await sorting.catch(engineFault)).toMatchObject({
        ...full,
        message: expect.stringContaining('free some space in the temporary folder'),
      })
    } finally {
      engine.close()
    }
  })
})
