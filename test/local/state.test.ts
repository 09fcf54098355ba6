/** `runs`, `status`, `rejects` and `clean`. */
import { existsSync, mkdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import { openDataset } from '../../lib/index.ts'
import { goodMembers, tripsProject } from './trips.ts'

const members = { ...goodMembers, 'd.csv': 'id,city,day,price\n1.5,Lima,,\n4,Kyiv,,x\n5,Riga,,\n' }

describe('runs', () => {
  it('are listed with status and counts, the latest first', async () => {
    const project = tripsProject({ members })
    await project.run()
    await project.run({ rejectsMax: 2 })
    await project.run({ rejectsMax: 2, force: true })
    const runs = await fanmill.runs({ output: project.output })
    expect(runs.map(({ attempt, status }) => ({ attempt, status }))).toEqual([
      { attempt: 2, status: 'complete' },
      { attempt: 1, status: 'complete' },
    ])
    expect(runs[0]).toMatchObject({
      task: 'trips',
      params: { month: '2001-01' },
      output: 'trips/2001-01',
      rowsWritten: 4,
      rowsRejected: 2,
      batches: 1,
      batchesDone: 1,
    })
    expect(await fanmill.status({ output: project.output })).toEqual(runs[0])
    expect(await fanmill.status({ output: project.output, runId: runs[0]!.runId.slice(0, 6) })).toEqual(runs[0])
  })

  it('that failed have an error', async () => {
    const project = tripsProject({ members })
    await project.run()
    expect(await fanmill.status({ output: project.output })).toMatchObject({
      status: 'failed',
      error: { code: 'REJECTS_OVER_LIMIT' },
    })
  })

  it('that do not exist fail with RUN_UNKNOWN', async () => {
    const project = tripsProject()
    await expect(fanmill.status({ output: project.output, runId: 'ffff' })).rejects.toMatchObject({
      code: 'RUN_UNKNOWN',
    })
    expect(await fanmill.runs({ output: project.output })).toEqual([])
  })
})

describe('rejected rows', () => {
  it('are read back, also those of a run that failed for them', async () => {
    const project = tripsProject({ members })
    const { tasks } = await project.run()
    const run = tasks[0]!.runId
    const rejects = await fanmill.rejects({ output: project.output, runId: run })
    expect(rejects).toEqual([
      {
        archive: 'incoming/2001-01/x.zip',
        member: 'd.csv',
        line: 2,
        record: 1,
        column: 'id',
        expected: 'int64',
        received: '1.5',
        text: '1.5,Lima,,',
      },
      {
        archive: 'incoming/2001-01/x.zip',
        member: 'd.csv',
        line: 3,
        record: 2,
        column: 'price',
        expected: 'decimal(6, 2)',
        received: 'x',
        text: '4,Kyiv,,x',
      },
    ])
    expect(await fanmill.rejects({ output: project.output, runId: run, limit: 1 })).toEqual(rejects.slice(0, 1))
  })
})

describe('cleaning', () => {
  it('keeps state that is new, and state that a dataset needs', async () => {
    const project = tripsProject()
    await project.run()
    expect(await fanmill.clean({ output: project.output, olderThanDays: 7 })).toEqual({ removed: [], damaged: [] })
    expect((await fanmill.clean({ output: project.output, olderThanDays: 0 })).removed).toEqual([])
    expect((await openDataset(project.dataset)).parts).toHaveLength(3)
  })

  it('removes old attempts and the folders of ended processes, and lists them first with dryRun', async () => {
    const project = tripsProject()
    await project.run()
    await project.run({ force: true })
    const left = join(project.output, '.fanmill/tmp/left')
    mkdirSync(left)
    utimesSync(left, 0, 0)
    const dry = await fanmill.clean({ output: project.output, olderThanDays: 0, dryRun: true })
    expect(dry.removed.map(({ key }) => key)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\.fanmill\/runs\/\w+\/1\/run\.json$/), '.fanmill/tmp/left/']),
    )
    expect(existsSync(left)).toBe(true)
    expect(await fanmill.clean({ output: project.output, olderThanDays: 0 })).toEqual(dry)
    expect(existsSync(left)).toBe(false)
    expect((await fanmill.runs({ output: project.output })).map(({ attempt }) => attempt)).toEqual([2])
  })

  it('refuses a negative age', async () => {
    await expect(fanmill.clean({ output: 'out', olderThanDays: -1 })).rejects.toMatchObject({ code: 'USAGE' })
  })
})
