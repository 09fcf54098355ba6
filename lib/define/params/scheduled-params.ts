/** Functions of the scheduled time, for the parameters of schedules. */
import type { ScheduledTime } from './schedule-definition.ts'

export const dayMs = 86_400_000

/**
 * The day of the scheduled time, as a text of `param.date`.
 * @example params: { day: today }
 */
export const today = ({ date }: ScheduledTime): string => date

/**
 * The day before the scheduled time, as a text of `param.date`.
 * @example params: { day: yesterday }
 */
export const yesterday = ({ date }: ScheduledTime): string => isoDate(Date.parse(date) - dayMs)

/**
 * The month of the scheduled time, as a text of `param.month`.
 * @example params: { month: thisMonth }
 */
export const thisMonth = ({ date }: ScheduledTime): string => date.slice(0, 7)

/**
 * The month before that of the scheduled time, as a text of `param.month`.
 * @example params: { month: lastMonth }
 */
export const lastMonth = ({ date }: ScheduledTime): string =>
  isoDate(Date.parse(`${date.slice(0, 7)}-01`) - dayMs).slice(0, 7)

/** Returns the day of an instant. */
export const isoDate = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
