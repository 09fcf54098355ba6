import { describe, expect, it } from 'vitest'
import {
  column,
  cron,
  csv,
  files,
  lastMonth,
  param,
  parquet,
  pipeline,
  task,
  thisMonth,
  today,
  yesterday,
} from '../../lib/index.ts'
import { scheduledParams } from '../../lib/model/run/scheduled-params.ts'

const report = task({
  name: 'report',
  params: { month: param.month(), level: param.integer({ default: 1 }) },
  source: files({ paths: 'in/{month}.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: '{task}/{month}/{level}' }),
})
const scheduled = (schedule: ReturnType<typeof cron>) => pipeline({ name: 'p', tasks: [report], schedule })

describe('cron', () => {
  it.each([
    '0 6 * * ? *',
    '*/15 0-6,22 ? JAN-MAR MON-FRI 2026-2030',
    '0 0 L * ? *',
    '0 0 15W 1/2 ? *',
    '0 12 ? * 6#3 *',
    '0 12 ? * FRIL *',
  ])('takes %s, as EventBridge Scheduler does', expression => {
    expect(cron(expression)).toMatchObject({ kind: 'cron', expression, timezone: 'UTC', params: {} })
  })

  it.each([
    ['0 6 * * *', 'expected six fields (minutes, hours, day of month, month, day of week, year)'],
    ['60 6 * * ? *', 'minutes: expected *, values from 0 to 59, ranges such as 0-59, steps such as */2, got 60'],
    ['0 6 * JANUARY ? *', 'month: expected *, values from 1 to 12 or JAN to DEC'],
    ['0 6 * * * *', 'expected ? as the day of month or as the day of week, and only one of them'],
    ['0 6 ? * ? *', 'expected ? as the day of month or as the day of week, and only one of them'],
    ['0 9-6 * * ? *', 'hours: expected'],
  ])('refuses %s', (expression, message) => {
    expect(() => cron(expression)).toThrow(message)
  })

  it('refuses a time zone that does not exist, and what is no parameter of a task', () => {
    expect(() => cron('0 6 * * ? *', { timezone: 'Berlin' })).toThrow('expected a time zone such as Europe/Berlin')
    expect(() => scheduled(cron('0 6 * * ? *', { params: { mont: lastMonth } }))).toThrow('did you mean month')
    expect(() => scheduled(cron('0 6 * * ? *'))).toThrow('no task would run')
  })

  it('gives parameters from the scheduled time, in its time zone', () => {
    const berlin = (params: object, time: string) =>
      scheduledParams(
        { name: 'p', schedule: cron('0 0 1 * ? *', { timezone: 'Europe/Berlin', params: { ...params } }) },
        time,
      )
    const newYear = '2025-12-31T23:00:00Z'
    expect(berlin({ month: lastMonth, now: thisMonth, day: today, before: yesterday }, newYear)).toEqual({
      month: '2025-12',
      now: '2026-01',
      day: '2026-01-01',
      before: '2025-12-31',
    })
    expect(berlin({ level: 3, hour: ({ hour }: { hour: number }) => hour }, newYear)).toEqual({ level: 3, hour: 0 })
    expect(() => berlin({}, 'at noon')).toThrow('expected a scheduled time such as 2001-02-03T05:00:00Z')
    expect(() => scheduledParams({ name: 'p' }, newYear)).toThrow('expected a pipeline with a schedule')
  })
})
