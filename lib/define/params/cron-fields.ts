/** Checks the fields of a cron expression as EventBridge Scheduler reads them. */
import { invalid } from '../check.ts'

interface CronField {
  readonly name: string
  readonly min: number
  readonly max: number
  /** Names of values, the first of which is `min`. */
  readonly names?: readonly string[]
  /** Other texts that may stand in the field, alone or as one item of a list. */
  readonly others?: RegExp
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/** @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html */
const cronFields: readonly CronField[] = [
  { name: 'minutes', min: 0, max: 59 },
  { name: 'hours', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31, others: /^(?:\?|L|LW|(?:[1-9]|[12]\d|3[01])W)$/ },
  { name: 'month', min: 1, max: 12, names: months },
  {
    name: 'day of week',
    min: 1,
    max: 7,
    names: weekdays,
    others: /^(?:\?|L|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:L|#[1-5]))$/,
  },
  { name: 'year', min: 1970, max: 2199 },
]

/** @throws DEFINITION_INVALID with the field, what was expected and what was received */
export function checkCronFields(where: string, fields: readonly string[]): void {
  const names = cronFields.map(({ name }) => name).join(', ')
  if (fields.length !== cronFields.length) {
    const hint = fields.length === 5 ? '; a crontab line has no year, and one of its two days must be ?' : ''
    throw invalid(where, `expected six fields (${names}), such as '0 6 * * ? *', got ${fields.length}${hint}`)
  }
  for (const [index, field] of cronFields.entries()) {
    const text = fields[index] ?? ''
    if (!text.split(',').every(item => isItem(field, item.toUpperCase())))
      throw invalid(where, `${field.name}: expected ${expectedOf(field)}, got ${text}`)
  }
  const [, , dayOfMonth, , dayOfWeek] = fields
  if ((dayOfMonth === '?') === (dayOfWeek === '?'))
    throw invalid(
      where,
      `expected ? as the day of month or as the day of week, and only one of them, got ${fields.join(' ')}`,
    )
}

/** An item is `*`, a value or a range, each with or without a step. */
function isItem(field: CronField, item: string): boolean {
  if (field.others?.test(item)) return true
  const [range = '', step, ...more] = item.split('/')
  if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return false
  if (range === '*') return true
  const [first, last, ...others] = range.split('-')
  const start = fieldValue(field, first)
  const end = last === undefined ? start : fieldValue(field, last)
  return others.length === 0 && start !== undefined && end !== undefined && start <= end
}

function fieldValue({ min, max, names = [] }: CronField, text = ''): number | undefined {
  const named = names.indexOf(text)
  if (named >= 0) return min + named
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return number >= min && number <= max ? number : undefined
}

function expectedOf({ min, max, names, others }: CronField): string {
  const named = names ? ` or ${names[0]} to ${names.at(-1)}` : ''
  return `*, values from ${min} to ${max}${named}, ranges such as ${min}-${max}, steps such as */2${others ? ', or ?' : ''}`
}
