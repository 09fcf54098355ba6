/** The data of a schedule. */
import type { ParamValue } from './param-definition.ts'

/** The time for which a run is scheduled, which is not the time at which it begins. */
export interface ScheduledTime {
  /** The instant, ISO 8601 in UTC, such as `2001-02-03T05:00:00.000Z`. */
  readonly time: string
  /** The day in the time zone of the schedule, such as `2001-02-03`. */
  readonly date: string
  /** The hour in the time zone of the schedule, 0 to 23. */
  readonly hour: number
}

/** Returns a parameter of a scheduled run. */
export type ScheduledParam = (scheduled: ScheduledTime) => ParamValue

export interface ScheduleDefinition {
  readonly kind: 'cron'
  /** Six fields: minutes, hours, day of month, month, day of week, year. */
  readonly expression: string
  /** The IANA name of the time zone of the fields. */
  readonly timezone: string
  readonly params: Readonly<Record<string, ParamValue | ScheduledParam>>
}
