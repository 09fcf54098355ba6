/** The parameters that a pipeline's schedule gives for one time. */
import type { ParamValue, PipelineDefinition } from '../../define/definition.ts'
import type { ScheduledTime } from '../../define/params/schedule-definition.ts'
import { FanmillError, PermanentError } from '../../errors/errors.ts'

/**
 * Returns the values of parameters for a scheduled time.
 * @throws USAGE when the pipeline has no schedule, or for a text that is no time; DEFINITION_INVALID when a function of the user fails
 */
export function scheduledParams(
  { name: pipeline, schedule }: Pick<PipelineDefinition, 'name' | 'schedule'>,
  time: string,
): Readonly<Record<string, ParamValue>> {
  if (!schedule)
    throw new PermanentError('USAGE', `expected a pipeline with a schedule, got ${pipeline}, which has none`, {
      pipeline,
    })
  const instant = isoTime.test(time) ? new Date(time) : new Date(Number.NaN)
  if (Number.isNaN(instant.getTime()))
    throw new PermanentError('USAGE', `expected a scheduled time such as 2001-02-03T05:00:00Z, got ${time}`, { time })
  const scheduled = Object.freeze(scheduledTimeOf(instant, schedule.timezone))
  const values = Object.entries(schedule.params).map(([param, given]) => {
    if (typeof given !== 'function') return [param, given]
    try {
      return [param, given(scheduled)]
    } catch (error) {
      if (error instanceof FanmillError) throw error
      const message = `schedule: params.${param}: the function failed for ${time}: ${(error as Error).message}`
      throw new PermanentError('DEFINITION_INVALID', message, { pipeline, param }, { cause: error })
    }
  })
  return Object.fromEntries(values)
}

/** A date and a time with seconds or without, in UTC or with an offset: without one, its instant would depend on the machine. */
const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/

/** Returns a time in the time zone of a schedule. */
function scheduledTimeOf(instant: Date, timezone: string): ScheduledTime {
  const parts = new Intl.DateTimeFormat('en-CA-u-ca-gregory-nu-latn', {
    ...{ timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', hourCycle: 'h23' },
  }).formatToParts(instant)
  const part = (type: string): string => parts.find(each => each.type === type)?.value ?? ''
  const date = `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`
  return { time: instant.toISOString(), date, hour: Number(part('hour')) }
}
