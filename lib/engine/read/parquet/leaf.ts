/** Reads one leaf of a Parquet column in SQL: its value, a test for values that are lost, and its text for a reject. */
import type { ParquetLeaf } from '../../../parquet/columns.ts'

/** A value in SQL, from an expression over the file's column. */
export interface LeafSql {
  readonly type: string
  /** Null where the file's value cannot be read. */
  readonly value: string
  /** True where the file's value is lost, null or false elsewhere; undefined where no value can be lost. */
  readonly bad?: string | undefined
  /** The value as the file has it, for a message; default the value's own text. */
  readonly text?: string | undefined
}

export interface LeafOptions {
  /** The engine's type of the column as it stands in the rewritten file. */
  readonly type: string
  /** A value whose digits would be dropped counts as lost. */
  readonly strict: boolean
  /** Reads bytes as texts (`text`), texts as bytes (`binary`), or both as they are in the file (`own`). */
  readonly wants: 'own' | 'text' | 'binary'
}

/** Reads a leaf from the expression `from`. */
export function leafSql(leaf: ParquetLeaf, from: string, options: LeafOptions): LeafSql {
  switch (leaf.kind) {
    case 'time':
      return timeSql(leaf, from, options)
    case 'timestamp':
      return timestampSql(leaf, from, options)
    case 'int96':
      return momentSql(int96Nanos(from), { ...leaf, unit: 3 }, { ...options, asMicros: true })
    case 'own':
      return { type: options.type, value: from }
    case 'json':
      return documentSql(from, options)
    case 'text':
      return wordsSql(from, options)
    case 'binary':
    case 'geometry':
      return options.wants === 'text' && options.type === 'BLOB' ? textSql(from) : { type: options.type, value: from }
    default:
      return dateSql(leaf, from, options)
  }
}

/** A day that the engine reads as infinity is lost. */
function dateSql({ isInRange }: ParquetLeaf, from: string, { type, strict }: LeafOptions): LeafSql {
  return { type, value: from, bad: type === 'DATE' && strict && !isInRange ? `NOT isfinite(${from})` : undefined }
}

function wordsSql(from: string, { type, wants }: LeafOptions): LeafSql {
  const isBytes = type === 'BLOB'
  if (wants === 'binary') return { type: 'BLOB', value: isBytes ? from : `encode(${from})` }
  return isBytes ? textSql(from) : { type, value: from }
}

function textSql(from: string): LeafSql {
  const value = `TRY(decode(${from}))`
  return { type: 'VARCHAR', value, bad: `(${from} IS NOT NULL AND ${value} IS NULL)`, text: `CAST(${from} AS VARCHAR)` }
}

function documentSql(from: string, { type, wants }: LeafOptions): LeafSql {
  const isBytes = type === 'BLOB'
  if (wants === 'binary') return { type: 'BLOB', value: isBytes ? from : `encode(CAST(${from} AS VARCHAR))` }
  // The engine names the type like that of a text.
  return isBytes ? jsonSql(from) : { type: 'JSON', value: from }
}

function jsonSql(from: string): LeafSql {
  const value = `TRY_CAST(TRY(decode(${from})) AS JSON)`
  const text = `coalesce(TRY(decode(${from})), CAST(${from} AS VARCHAR))`
  return { type: 'JSON', value, bad: `(${from} IS NOT NULL AND ${value} IS NULL)`, text }
}

/** Units in a second, and their names, by the `unit` of a leaf. */
const unitsPerSecond: Readonly<Record<number, number>> = { 1: 1_000, 2: 1_000_000, 3: 1_000_000_000 }
const unitNames: Readonly<Record<number, string>> = { 1: 'ms', 2: 'µs', 3: 'ns' }

function timeSql({ unit = 2, isUtc }: ParquetLeaf, from: string, { strict }: LeafOptions): LeafSql {
  const perSecond = unitsPerSecond[unit] ?? 1
  const isTime = `${from} BETWEEN 0 AND ${perSecond * 86_400 - 1}`
  const time = `CAST(make_timestamp(CASE WHEN ${isTime} THEN ${microsOf(from, unit)} END) AS TIME)`
  const type = isUtc ? 'TIME WITH TIME ZONE' : 'TIME'
  const lost = strict && unit === 3 ? ` OR ${from} % 1000 <> 0` : ''
  return {
    type,
    value: isUtc ? `CAST(${time} AS ${type})` : time,
    bad: `(NOT (${isTime})${lost})`,
    text: `CASE WHEN ${isTime} THEN ${nanosText(`CAST(${time} AS VARCHAR)`, from, unit)} ELSE ${from} || ' ${unitNames[unit]}' END`,
  }
}

function timestampSql(leaf: ParquetLeaf, from: string, options: LeafOptions): LeafSql {
  if (options.type !== 'BIGINT' && leaf.unit === 2) return ownMomentSql(leaf, from, options)
  return momentSql(from, leaf, { ...options, asMicros: leaf.isUtc === true || leaf.unit !== 3 })
}

/** The range of the engine's timestamps in microseconds; beyond it they are infinity. */
const [microsMin, microsMax] = ['-9223372022400000000', '9223372036854775806']
/** The range of its timestamps in nanoseconds. */
const [nanosMin, nanosMax] = ['-9223286400000000000', '9223372036854775806']

/** Reads microseconds that the engine has read as its own timestamps, of which those out of its range are lost. */
function ownMomentSql({ isInRange }: ParquetLeaf, from: string, { type }: LeafOptions): LeafSql {
  const least = `CAST(make_timestamp(${microsMin}) AS ${type})`
  return { type, value: from, bad: isInRange ? undefined : `NOT (${from} >= ${least} AND isfinite(${from}))` }
}

function momentSql(
  from: string,
  { unit = 2, isUtc }: ParquetLeaf,
  { strict, asMicros }: LeafOptions & { readonly asMicros: boolean },
): LeafSql {
  if (!asMicros) {
    const isMoment = `epoch_ns(${from}) BETWEEN ${nanosMin} AND ${nanosMax}`
    const moment = `CASE WHEN ${isMoment} THEN ${from} END`
    return {
      type: 'TIMESTAMP_NS',
      value: moment,
      bad: `(NOT (${isMoment}))`,
      text: `CASE WHEN ${isMoment} THEN CAST(${moment} AS VARCHAR) ELSE epoch_ns(${from}) || ' ns' END`,
    }
  }
  const isMoment =
    unit === 1
      ? `${from} BETWEEN -9223372022400000 AND 9223372036854775`
      : `${microsOf(from, unit)} BETWEEN ${microsMin} AND ${microsMax}`
  const moment =
    unit === 1
      ? `make_timestamp_ms(CASE WHEN ${isMoment} THEN ${from} END)`
      : `make_timestamp(CASE WHEN ${isMoment} THEN CAST(${microsOf(from, unit)} AS BIGINT) END)`
  const type = isUtc ? 'TIMESTAMP WITH TIME ZONE' : 'TIMESTAMP'
  const value = isUtc ? `CAST(${moment} AS ${type})` : moment
  const lost = strict && unit === 3 ? ` OR ${from} % 1000 <> 0` : ''
  const zone = isUtc ? " || '+00'" : ''
  return {
    type,
    value,
    bad: `(NOT (${isMoment})${lost})`,
    text: `CASE WHEN ${isMoment} THEN ${nanosText(`CAST(${moment} AS VARCHAR)`, from, unit)}${zone} ELSE ${from} || ' ${unitNames[unit]}' END`,
  }
}

/** Converts to microseconds, rounded down. */
function microsOf(from: string, unit: number): string {
  if (unit === 1) return `CAST(${from} AS BIGINT) * 1000`
  // The engine's division rounds towards zero.
  return unit === 3 ? `(${from} // 1000 - CASE WHEN ${from} % 1000 < 0 THEN 1 ELSE 0 END)` : from
}

/** Adds the digits below a microsecond, which the engine does not print. */
function nanosText(text: string, from: string, unit: number): string {
  if (unit !== 3) return text
  const below = `(((${from} % 1000) + 1000) % 1000)`
  const padded = `rpad(CASE WHEN contains(${text}, '.') THEN ${text} ELSE ${text} || '.' END, CAST(length(split_part(${text}, '.', 1)) + 7 AS INTEGER), '0')`
  return `CASE WHEN ${below} = 0 THEN ${text} ELSE ${padded} || lpad(CAST(${below} AS VARCHAR), 3, '0') END`
}

/** The Julian day of 1970-01-01. */
const julianEpoch = 2_440_588

/**
 * Converts twelve bytes that were read as one number, first byte highest, to nanoseconds since 1970. Eight bytes are the
 * time of day and four the day, lowest byte first.
 */
function int96Nanos(from: string): string {
  const whole = `(CAST(${from} AS HUGEINT) + CASE WHEN ${from} < 0 THEN 79228162514264337593543950336 ELSE 0 END)`
  const time = swapped(`CAST(${whole} >> 32 AS UBIGINT)`, 8)
  const day = swapped(`CAST(${whole} & 4294967295 AS UBIGINT)`, 4)
  // Days before 4713 BC and negative times of day are in two's complement.
  const signed = (bytes: string, span: string): string =>
    `(CASE WHEN ${bytes} >= ${span} // 2 THEN CAST(${bytes} AS HUGEINT) - ${span} ELSE CAST(${bytes} AS HUGEINT) END)`
  return `((${signed(day, '4294967296')} - ${julianEpoch}) * 86400000000000 + ${signed(time, '18446744073709551616::HUGEINT')})`
}

/** Reverses the bytes of a number. */
function swapped(number: string, byteCount: number): string {
  const bytes = Array.from({ length: byteCount }, (_, index) => {
    const byte = `((${number} >> ${8 * index}) & 255)`
    const shift = 8 * (byteCount - 1 - index)
    return shift === 0 ? byte : `(${byte} << ${shift})`
  })
  return `(${bytes.join(' | ')})`
}
