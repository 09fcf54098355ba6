/** Columns whose types or orders may be others in the next stage: which of them are compared, and as what. */
import { mapScalars, parseEngineType } from '../../delta/engine-type.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { PermanentError } from '../../errors/errors.ts'
import { readBackType } from '../read-back-type.ts'

const toDecimal = 'cast it to DECIMAL(38, 0)'
const toText = 'cast it to VARCHAR'

/** Types that have no order, or another one, when they are read back between two stages; with what to do instead. */
const advice: ReadonlyMap<string, string> = new Map([
  ['BIGNUM', toDecimal],
  ['HUGEINT', toDecimal],
  ['UHUGEINT', toDecimal],
  ['BIT', toText],
  // Different intervals are equal, such as 30 days and a month: which one is kept would depend on how rows are cut.
  ['INTERVAL', 'make a number of it with epoch()'],
  ['UNION', toText],
  ['VARIANT', toText],
  ['GEOMETRY', toText],
])

const timeWithZone = 'TIME WITH TIME ZONE'

/** Returns a column as SQL for `comparable`. @throws DEFINITION_INVALID for a type whose order would depend on how rows are cut */
export function compared(column: EngineColumn, where: string): string {
  const { name } = column
  const type = String(column.type)
  const instead = type === timeWithZone ? undefined : adviceFor(type)
  if (instead === undefined) return comparable(column)
  const message = `${where}: expected a column with one order in all stages, got ${name} of type ${type}; ${instead} in a step before`
  throw new PermanentError('DEFINITION_INVALID', message, { column: name, type })
}

/**
 * Checks a type that SQL of the user may meet in two stages: which values it compares is not known, so that they cannot be made comparable.
 * @throws DEFINITION_INVALID for a type that is another, or has another order, after an exchange
 */
export function checkInBoth(type: string, where: string): void {
  const read = readBackType(type)
  const instead = adviceFor(type) ?? (read === type ? undefined : `cast it to ${read}`)
  if (instead === undefined) return
  const message = `${where}: expected a type that is the same in all stages, got ${type}; ${instead}`
  throw new PermanentError('DEFINITION_INVALID', message, { where, type })
}

function adviceFor(type: string): string | undefined {
  const inner: string[] = []
  mapScalars(parseEngineType(type), scalar => {
    inner.push(/^[A-Z_ ]*/.exec(scalar)?.[0] ?? '')
    return { kind: 'scalar', name: scalar }
  })
  const found = inner.map(each => advice.get(each)).find(each => each !== undefined)
  return found ?? (inner.includes(timeWithZone) ? 'cast it to TIME' : undefined)
}

/**
 * Returns a column as values that have one order in all stages: those of an enum are in the order of their texts, as which they are
 * exchanged, and times are in UTC, or the result would depend on how rows are cut.
 */
export function comparable({ name, type }: EngineColumn): string {
  if (String(type) === timeWithZone) return `timezone(INTERVAL 0 HOUR, ${quoteName(name)})`
  const text = readBackType(String(type))
  return text === String(type) ? quoteName(name) : `CAST(${quoteName(name)} AS ${text})`
}
