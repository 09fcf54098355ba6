/** The log of a run: emitted lines, and the saved file. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../../lib/model/events.ts'
import { type Project, tripsProject } from './trips.ts'

const chatty = `.mapRows((row, { log }) => {
  log.debug('a row')
  if (row.city !== 'Bern') log.warn('south of Bern', { city: row.city })
  return { far: true }
}, { adds: { far: column.boolean() } })`

type LogEvent = Extract<RunEvent, { event: 'log' }>

async function logsOf(project: Project, options: Parameters<Project['run']>[0] = {}) {
  const shown: LogEvent[] = []
  const onEvent = (event: RunEvent) => void (event.event === 'log' && shown.push(event))
  const { tasks, error } = await project.run({ ...options, onEvent })
  const folder = join(project.output, '.fanmill/runs', tasks[0]!.runId, '1/log')
  const kept = readdirSync(folder).flatMap(name => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
  return { shown, kept: kept.map(line => JSON.parse(line)), runId: tasks[0]!.runId, error }
}

describe('lines of functions', () => {
  it('are emitted from the chosen level on, with run and slice, and repeats as a count', async () => {
    const { shown, runId } = await logsOf(tripsProject({ steps: chatty }))
    const place = {
      event: 'log',
      task: 'trips',
      node: 'trips(month=2001-01)',
      runId,
      slice: 0,
      level: 'warn',
      message: 'south of Bern',
      fields: { city: 'Oslo' },
    }
    expect(shown).toEqual([place, { ...place, repeats: 1 }])
  })

  it.each([
    ['debug', ['debug', 'warn']],
    ['error', []],
  ] as const)('are shown as --log-level %s says', async (logLevel, levels) => {
    const { shown } = await logsOf(tripsProject({ steps: chatty }), { logLevel })
    expect([...new Set(shown.map(({ level }) => level))]).toEqual(levels)
  })

  it('name the member when rows of only one are converted', async () => {
    const { shown } = await logsOf(
      tripsProject({ steps: chatty, members: { 'a.csv': 'id,city,day,price\n1,Oslo,,\n' } }),
    )
    expect(shown).toMatchObject([{ archive: 'incoming/2001-01/x.zip', member: 'a.csv', slice: 0 }])
  })
})

describe('the saved log', () => {
  it('holds JSON lines of every level in the run’s folder, with those of the run itself', async () => {
    const { kept, runId } = await logsOf(tripsProject({ steps: chatty }))
    for (const line of kept)
      expect(line).toMatchObject({
        time: expect.any(String),
        level: expect.any(String),
        message: expect.any(String),
        runId,
      })
    const lines = kept.map(({ level, message, repeats }) => [level, message, repeats].join(' ').trim())
    // Threads tell theirs by a way of their own: the order is that of coming.
    expect(lines.sort()).toEqual([
      'debug a row',
      'debug a row 2',
      'debug batch 0 done',
      'info complete',
      'info run of trips begins',
      'warn south of Bern',
      'warn south of Bern 1',
    ])
  })

  it('holds the error of a run that failed', async () => {
    const members = { 'a.csv': 'id,city,day,price\nx,Oslo,,\n' }
    const { kept, error } = await logsOf(tripsProject({ members }))
    expect(error?.code).toBe('REJECTS_OVER_LIMIT')
    expect(kept.at(-1)).toMatchObject({
      level: 'error',
      message: error?.message,
      fields: { code: 'REJECTS_OVER_LIMIT' },
    })
  })
})
