/** What the state says of runs, and its removal. */
import { existsSync, mkdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cleanState, listRuns, openDataset, readRejects, runStatus } from '../../lib/local.ts'
import { goodMembers, tripsProject } from './trips.ts'

const members = { ...goodMembers, 'd.csv': 'id,city,day,price\n1.5,Lima,,\n4,Kyiv,,x\n5,Riga,,\n' }

describe('runs', () => {
  it('are listed with what became of them, the latest first', async () => {
    const project = tripsProject({ members })
    await project.run()
    await project.run({ rejectsMax: 2 })
    await project.run({ rejectsMax: 2, force: true })
    const runs = await listRuns(project.output)
    expect(runs.map(({ attempt, status }) => ({ attempt, status }))).toEqual([
      { attempt: 2, status: 'complete' },
      { attempt: 1, status: 'complete' },
    ])
    expect(runs[0]).toMatchObject({
      task: 'trips',
      params: { month: '2001-01' },
      output: 'trips/2001-01',
      rows: 4,
      rowsRejected: 2,
      batches: 1,
      batchesDone: 1,
    })
    expect(await runStatus(project.output)).toEqual(runs[0])
    expect(await runStatus(project.output, runs[0]!.runId.slice(0, 6))).toEqual(runs[0])
  })

  it('that failed say why', async () => {
    const project = tripsProject({ members })
    await project.run()
    expect(await runStatus(project.output)).toMatchObject({ status: 'failed', error: { code: 'REJECTS_OVER_LIMIT' } })
  })

  it('that are unknown fail with RUN_UNKNOWN', async () => {
    const project = tripsProject()
    await expect(runStatus(project.output, 'ffff')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    expect(await listRuns(project.output)).toEqual([])
  })
})

describe('rejected rows', () => {
  it('are read back, also those of a run that failed for them', async () => {
    const project = tripsProject({ members })
    const { tasks } = await project.run()
    const run = tasks[0]!.run
    const rejects = await readRejects(project.output, run)
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
    expect(await readRejects(project.output, run, 1)).toEqual(rejects.slice(0, 1))
  })
})

describe('cleaning', () => {
  it('keeps what is young and what a dataset needs', async () => {
    const project = tripsProject()
    await project.run()
    expect(await cleanState(project.output, { olderThanDays: 7 })).toEqual({ removed: [], damaged: [] })
    expect((await cleanState(project.output, { olderThanDays: 0 })).removed).toEqual([])
    expect((await openDataset(project.dataset)).parts).toHaveLength(3)
  })

  it('removes old attempts and the folders of processes that died, and says first what it would', async () => {
    const project = tripsProject()
    await project.run()
    await project.run({ force: true })
    const left = join(project.output, '.fanmill/tmp/left')
    mkdirSync(left)
    utimesSync(left, 0, 0)
    const dry = await cleanState(project.output, { olderThanDays: 0, dryRun: true })
    expect(dry.removed.map(({ key }) => key)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\.fanmill\/runs\/\w+\/1\/run\.json$/), '.fanmill/tmp/left/']),
    )
    expect(existsSync(left)).toBe(true)
    expect(await cleanState(project.output, { olderThanDays: 0 })).toEqual(dry)
    expect(existsSync(left)).toBe(false)
    expect((await listRuns(project.output)).map(({ attempt }) => attempt)).toEqual([2])
  })

  it('refuses an age that is none', async () => {
    await expect(cleanState('out', { olderThanDays: -1 })).rejects.toMatchObject({ code: 'USAGE' })
  })
})
