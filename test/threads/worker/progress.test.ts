/** How far a thread is with work that is not finished. */
import { expect, it } from 'vitest'
import { column, sql } from '../../../lib/define/index.ts'
import type { Converted } from '../../../lib/engine/conversion.ts'
import type { WorkerMessage } from '../../../lib/model/worker-job.ts'
import { createThreadProgress } from '../../../lib/threads/worker/progress.ts'
import { convertTask, taskOf } from '../../engine/converting.ts'

const parts = (rowsRead: number, rowsWritten: number): Converted => ({
  ...{ kind: 'parts', parts: [], rejects: [], rejectedByMember: {}, rowsRejected: 0 },
  ...{ rowsRead, rowsWritten },
})
const underWay = (sent: readonly WorkerMessage[]) => sent.filter(message => message.kind === 'underWay')

/** Lets the looks at the engine happen that are due. */
const look = () => new Promise(resolve => setTimeout(resolve, 5))

it('sends the bytes that are staged, then the bytes and rows that are converted', async () => {
  const sent: WorkerMessage[] = []
  let fraction = 0
  const progress = createThreadProgress({
    send: message => sent.push(message),
    engineProgress: () => ({ fraction, isTransformed: false }),
    intervalMs: 0,
  })
  progress.beginGroup()
  progress.staged(600)
  progress.staged(400)
  progress.endStaging({ files: [{ bytes: 1000, records: 100 }] })
  await progress.during({ files: [{ bytes: 1000, records: 100 }] }, async () => {
    fraction = 0.5
    await look()
    // A query for rejects begins again with the same rows.
    fraction = 0.1
    await look()
    return parts(100, 100)
  })
  const last = underWay(sent).at(-1)
  expect(underWay(sent).slice(0, 2)).toMatchObject([{ bytesStaged: 600 }, { bytesStaged: 1000 }])
  expect(last).toEqual({ kind: 'underWay', bytesStaged: 1000, bytesConverted: 500, rows: 50 })
})

it('sends no row count of a transform before it is known how many rows it drops', async () => {
  const sent: WorkerMessage[] = []
  const progress = createThreadProgress({
    send: message => sent.push(message),
    engineProgress: () => ({ fraction: 0.5, isTransformed: true, rowsRead: 50 }),
    intervalMs: 0,
  })
  const group = { files: [{ bytes: 10, records: 100 }] }
  const convert = async () => {
    progress.beginGroup()
    progress.staged(10)
    progress.endStaging(group)
    await progress.during(group, async () => {
      await look()
      return parts(100, 20)
    })
  }
  await convert()
  expect(underWay(sent).at(-1)).toMatchObject({ rows: 0 })
  await convert()
  expect(underWay(sent).at(-1)).toMatchObject({ rows: 10 })
})

it.each([{ transform: [] }, { transform: [sql`SELECT * FROM input WHERE x % 2 = 0`] }])(
  'counts only finished work in the totals of a conversion, and each member once',
  async ({ transform }) => {
    const content = `x\n${Array.from({ length: 30_000 }, (_, n) => n).join('\n')}\n`
    const task = taskOf({ columns: { x: column.int64() }, transform } as never)
    const { messages: sent, results } = await convertTask(task, { inputs: { 'a.csv': content }, groupBytes: 60_000 })
    const done = sent.filter(message => message.kind === 'progress')
    const sum = (name: 'members' | 'bytes' | 'rowsWritten') => done.reduce((all, each) => all + each[name], 0)
    expect(sum('rowsWritten')).toBe(results.reduce((all, each) => all + each.rowsWritten, 0))
    expect(sum('members')).toBe(1)
    for (const each of underWay(sent)) expect(each.bytesConverted).toBeLessThanOrEqual(each.bytesStaged)
  },
)
