/** Builds the types of columns. */
import * as v from 'valibot'
import { check, invalid, options, piece } from './check.ts'
import type { ColumnDefinition, ScalarType } from './definition.ts'
import { frozen } from './freeze.ts'
import { withKnownNames } from './known-names.ts'
import { type OtherColumnNames, otherColumnNames } from './other-names.ts'
import { filledText, flag, text, texts } from './schemas.ts'

/** The options of every column type. */
export interface ColumnOptions<Required extends boolean = boolean> {
  /**
   * Whether a null makes the row a reject. The column is optional in Parquet all the same. Default false.
   * @example column.int64({ required: true })
   */
  readonly required?: Required
  /**
   * Texts that are read as null, besides those of the format. In Parquet, they count where the file's column is a text.
   * Default none.
   * @example column.float64({ nullValues: ['-', 'n/a'] })
   */
  readonly nullValues?: readonly string[]
  /**
   * A description for people. Default none.
   * @example column.int32({ doc: 'minutes after the planned time' })
   */
  readonly doc?: string
}

/** The options of `date`, `time`, `timestamp` and `timestamptz`. */
export interface TimeColumnOptions<Required extends boolean = boolean> extends ColumnOptions<Required> {
  /**
   * How the text is written, in strptime's specifiers. Default ISO 8601.
   * @example column.date({ format: '%d/%m/%Y' })
   */
  readonly format?: string
}

/** A column whose type and `required` the compiler knows. */
export interface ColumnOf<Type extends ColumnDefinition['type'], Required extends boolean> extends ColumnDefinition {
  readonly type: Type
  readonly required: Required
}

/** A list column whose item type the compiler knows. */
export interface ListColumnOf<Items extends ColumnDefinition, Required extends boolean>
  extends ColumnOf<'list', Required> {
  readonly items: Items
}

const builders = {
  /** `true` or `false`, in any case; a `boolean` in functions. */
  boolean: scalar('boolean'),
  /** A whole number from −128 to 127; a `number` in functions. */
  int8: scalar('int8'),
  /** A whole number from −32,768 to 32,767; a `number` in functions. */
  int16: scalar('int16'),
  /** A whole number from −2,147,483,648 to 2,147,483,647; a `number` in functions. */
  int32: scalar('int32'),
  /** A whole number of 64 bits with sign; a `bigint` in functions. */
  int64: scalar('int64'),
  /** A whole number from 0 to 255; a `number` in functions. */
  uint8: scalar('uint8'),
  /** A whole number from 0 to 65,535; a `number` in functions. */
  uint16: scalar('uint16'),
  /** A whole number from 0 to 4,294,967,295; a `number` in functions. */
  uint32: scalar('uint32'),
  /** A whole number of 64 bits without sign; a `bigint` in functions. */
  uint64: scalar('uint64'),
  /** A floating point number of 32 bits; a `number` in functions. */
  float32: scalar('float32'),
  /** A floating point number of 64 bits; a `number` in functions. */
  float64: scalar('float64'),
  /** A text; a `string` in functions. */
  string: scalar('string'),
  /** A JSON text; a `string` in functions. */
  json: scalar('json'),
  /** Bytes: those of the text in UTF-8, or of a binary Parquet column; a `Uint8Array` in functions. */
  binary: scalar('binary'),
  /** A calendar date; the string `YYYY-MM-DD` in functions. */
  date: timed('date'),
  /** A time of day; the string `HH:MM:SS[.ffffff]` in functions. */
  time: timed('time'),
  /** A date and time without a zone; a `Date` in functions, as if it were UTC. */
  timestamp: timed('timestamp'),
  /** An instant: a date and time with a zone; a `Date` in functions. */
  timestamptz: timed('timestamptz'),
  decimal,
  list,
}

/**
 * The types of columns. A column may hold nulls unless it is `required`.
 * @example columns: { id: column.int64({ required: true }), price: column.decimal(10, 2), day: column.date({ format: '%d/%m/%Y' }) }
 */
export const column = withKnownNames<typeof builders, OtherColumnNames>('column', builders, otherColumnNames)

const commonEntries = {
  required: v.optional(flag),
  nullValues: v.optional(texts),
  doc: v.optional(text),
}
const columnOptions = options(commonEntries)
/** The specifiers of strptime that the engine knows. */
const timeSpecifier = /%(?:[abcdfghjmnpuwxyzABGHIMSTUVWXYZ%]|-[djmyHIMS])/g
const timeFormat = v.pipe(
  filledText,
  v.check(format => format.includes('%'), 'a strptime format such as %d/%m/%Y'),
  v.check(
    format => !format.replaceAll(timeSpecifier, '').includes('%'),
    'a strptime format of the specifiers %Y %y %m %-m %b %B %d %-d %j %a %A %H %-H %I %p %M %S %f %g %n %z %Z and their like',
  ),
)
const timeColumnOptions = options({ ...commonEntries, format: v.optional(timeFormat) })

/**
 * An exact number of up to `precision` digits (1 to 38), `scale` of them after the point; a `string` in functions, so that no
 * digit is lost.
 * @example column.decimal(10, 2)
 */
function decimal<const Required extends boolean = false>(
  precision: number,
  scale: number,
  given: ColumnOptions<Required> = {},
): ColumnOf<'decimal', Required> {
  if (!Number.isInteger(precision) || precision < 1 || precision > 38)
    throw invalid('column.decimal', `precision: expected a whole number from 1 to 38, got ${precision}`)
  if (!Number.isInteger(scale) || scale < 0 || scale > precision)
    throw invalid('column.decimal', `scale: expected a whole number from 0 to the precision ${precision}, got ${scale}`)
  return build({ type: 'decimal', precision, scale, ...check('column.decimal', columnOptions, given) })
}

/**
 * A list, read from a JSON array; an array in functions.
 * @example column.list(column.string())
 */
function list<const Items extends ColumnDefinition, const Required extends boolean = false>(
  items: Items,
  given: ColumnOptions<Required> = {},
): ListColumnOf<Items, Required> {
  const checked = check(
    'column.list: items',
    piece<ColumnDefinition>('a column such as column.int32()', ['column']),
    items,
  )
  return build({ type: 'list', items: checked, ...check('column.list', columnOptions, given) })
}

function scalar<const Type extends ScalarType>(type: Type) {
  return <const Required extends boolean = false>(given: ColumnOptions<Required> = {}): ColumnOf<Type, Required> =>
    build({ type, ...check(`column.${type}`, columnOptions, given) })
}

function timed<const Type extends ScalarType>(type: Type) {
  return <const Required extends boolean = false>(given: TimeColumnOptions<Required> = {}): ColumnOf<Type, Required> =>
    build({ type, ...check(`column.${type}`, timeColumnOptions, given) })
}

/** The compiler's type of a column follows from its builder's signature, which this function does not know. */
function build<Column extends ColumnDefinition>({
  required = false,
  ...fields
}: Omit<ColumnDefinition, 'kind'>): Column {
  return frozen<ColumnDefinition>({ kind: 'column', required, ...fields }) as Column
}
