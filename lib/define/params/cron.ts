/** Builds schedules: when a pipeline starts by itself, and with which parameters. */
import * as v from 'valibot'
import { record } from '../../errors/record-schema.ts'
import { check, invalid, options } from '../check.ts'
import type { ParamValue } from '../definition.ts'
import { frozen } from '../freeze.ts'
import { anyFunction, filledText } from '../schemas.ts'
import { checkCronFields } from './cron-fields.ts'
import type { ScheduleDefinition, ScheduledParam } from './schedule-definition.ts'

/** The options of `cron`. */
export interface CronOptions {
  /**
   * The time zone of the expression, as IANA names it. Default UTC.
   * @example timezone: 'Europe/Berlin'
   */
  readonly timezone?: string
  /**
   * Parameters of the scheduled run: values, or functions of the scheduled time. Tasks whose parameters are all bound by these or by
   * defaults run. Default none.
   * @example params: { month: lastMonth }
   */
  readonly params?: Readonly<Record<string, ParamValue | ScheduledParam>>
}

/**
 * A schedule in six fields, as EventBridge Scheduler reads them: minutes, hours, day of month, month, day of week, year.
 * One of the two days is `?`.
 * @example schedule: cron('0 6 1 * ? *', { timezone: 'Europe/Berlin', params: { month: lastMonth } })
 * @throws DEFINITION_INVALID with the field, what was expected and what was received
 */
export function cron(expression: string, given: CronOptions = {}): ScheduleDefinition {
  const where = 'cron'
  if (typeof expression !== 'string')
    throw invalid(where, `expected six fields such as '0 6 * * ? *', got ${expression}`)
  const fields = expression.trim().split(/\s+/)
  checkCronFields(where, fields)
  const { timezone = 'UTC' } = check(where, cronOptions, given)
  return frozen({ kind: 'cron', expression: fields.join(' '), timezone, params: given.params ?? {} })
}

const value = v.union(
  [v.string(), v.number(), v.boolean(), anyFunction],
  'a value, or a function of the scheduled time',
)

const cronOptions = options({
  timezone: v.optional(v.pipe(filledText, v.check(isTimezone, 'a time zone such as Europe/Berlin'))),
  params: v.optional(record(filledText, value, 'parameters by name')),
})

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
