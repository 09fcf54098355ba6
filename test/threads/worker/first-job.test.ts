/** The jobs that a thread does for a task before its first share of it: which thread gets which job depends on who is idle. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { column } from '../../../lib/define/index.ts'
import type { WorkerJob } from '../../../lib/model/worker-job.ts'
import { diskStore } from '../../../lib/store/disk/store.ts'
import { openThread } from '../../../lib/threads/worker/worker-thread.ts'
import { rowsOf, taskOf } from '../../engine/converting.ts'

it('leave its first share as it is: one that joined the accounts of a batch writes the parts of the next batch', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-first-job-'))
  for (const name of ['in', 'stage', 'parts']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'in/x.csv'), 'n\n1\n2\n')
  const open = () =>
    openThread(
      taskOf({ columns: { n: column.int32() } }),
      {
        ...{ params: {}, tables: [], input: { kind: 'disk', folder: join(folder, 'in') } },
        ...{ stageFolder: join(folder, 'stage'), partFolder: join(folder, 'parts') },
        ...{ engineBytes: 256 * 1024 * 1024, stageBytesMax: 1e9 },
      },
      () => {},
    )
  const found = await diskStore(join(folder, 'in')).stat('x.csv')
  const inputs = { 0: { key: 'x.csv', sizeBytes: 6, etag: found?.etag ?? '', identity: '' } }
  const share = (target: string): WorkerJob<'share'> => ({
    ...{ kind: 'share', slices: [{ kind: 'file', slice: 0, input: 0, bytes: 6 }], inputs, groupBytes: 1e6 },
    target: join(folder, 'parts', target),
  })
  const [first, second] = [await open(), await open()]
  try {
    const { accountFiles } = await first.run<'share'>(share('a'))
    const [accounts = ''] = accountFiles
    const others = join(folder, 'parts/others.accounts')
    copyFileSync(accounts, others)
    await second.run<'accounts'>({ kind: 'accounts', files: [accounts, others], target: join(folder, 'parts/all') })
    const { parts } = await second.run<'share'>(share('b'))
    expect(await rowsOf(parts.map(({ file }) => file))).toEqual([{ n: '1' }, { n: '2' }])
  } finally {
    first.close()
    second.close()
    rmSync(folder, { recursive: true })
  }
})
