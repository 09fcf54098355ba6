/** The builders of column types. */
import * as v from 'valibot'
import { check, invalid, options, piece } from './check.ts'
import type { ColumnDefinition, ScalarType } from './definition.ts'
import { frozen } from './freeze.ts'
import { withKnownNames } from './known-names.ts'
import { filledText, flag, text, texts } from './schemas.ts'

export interface ColumnOptions<Required extends boolean = boolean> {
  /** A null is a reject; default false. */
  readonly required?: Required
  /** Texts read as null, besides those of the format; in Parquet, where the file's column is a text. */
  readonly nullValues?: readonly string[]
  readonly doc?: string
}

export interface TimeColumnOptions<Required extends boolean = boolean> extends ColumnOptions<Required> {
  /** strptime format such as `%d/%m/%Y`; default ISO 8601. */
  readonly format?: string
}

/** A column whose type and `required` the compiler knows. */
export interface ColumnOf<Type extends ColumnDefinition['type'], Required extends boolean> extends ColumnDefinition {
  readonly type: Type
  readonly required: Required
}

export interface ListColumnOf<Items extends ColumnDefinition, Required extends boolean>
  extends ColumnOf<'list', Required> {
  readonly items: Items
}

/** The types of columns: `column.int32()`, `column.decimal(10, 2)`, `column.date({ format: '%d/%m/%Y' })`. */
export const column = withKnownNames(
  'column',
  {
    boolean: scalar('boolean'),
    int8: scalar('int8'),
    int16: scalar('int16'),
    int32: scalar('int32'),
    int64: scalar('int64'),
    uint8: scalar('uint8'),
    uint16: scalar('uint16'),
    uint32: scalar('uint32'),
    uint64: scalar('uint64'),
    float32: scalar('float32'),
    float64: scalar('float64'),
    string: scalar('string'),
    json: scalar('json'),
    binary: scalar('binary'),
    date: timed('date'),
    time: timed('time'),
    timestamp: timed('timestamp'),
    timestamptz: timed('timestamptz'),
    decimal,
    list,
  },
  {
    int: 'int32 or int64',
    integer: 'int32 or int64',
    long: 'int64',
    bigint: 'int64',
    number: 'float64',
    float: 'float64 or float32',
    double: 'float64',
    bool: 'boolean',
    text: 'string',
    datetime: 'timestamp or timestamptz',
    array: 'list',
    blob: 'binary',
    bytes: 'binary',
  },
)

const commonEntries = {
  required: v.optional(flag),
  nullValues: v.optional(texts),
  doc: v.optional(text),
}
const columnOptions = options(commonEntries)
/** Of strptime as the engine knows it. */
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

/** A number of up to `precision` digits (1 to 38), `scale` of them after the point. */
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

/** A JSON array of items. */
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

/** The compiler's type of a column follows from its builder's signature, which this cannot see. */
function build<Column extends ColumnDefinition>(fields: Omit<ColumnDefinition, 'kind'>): Column {
  return frozen({ kind: 'column', required: false, ...defined(fields) }) as Column
}

function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)) as T
}
