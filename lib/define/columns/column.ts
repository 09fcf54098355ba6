/** Builds the types of columns. */
import type * as v from 'valibot'
import { check, invalid, piece } from '../check.ts'
import type { ColumnDefinition, Columns, ScalarType } from '../definition.ts'
import { frozen } from '../freeze.ts'
import { withKnownNames } from '../known-names.ts'
import { type OtherColumnNames, otherColumnNames } from '../other-names.ts'
import { columns as columnsSchema } from '../schemas.ts'
import { checkNamesInFile } from './check-names.ts'
import type {
  BooleanColumnOptions,
  ColumnOptions,
  IntegerColumnOptions,
  NumberColumnOptions,
  TimeColumnOptions,
} from './column-definition.ts'
import {
  booleanColumnOptions,
  columnFields,
  columnOptions,
  type GivenFields,
  integerColumnOptions,
  numberColumnOptions,
  timeColumnOptions,
} from './column-options.ts'

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

/** A struct column whose field types the compiler knows. */
export interface StructColumnOf<Fields extends Columns, Required extends boolean> extends ColumnOf<'struct', Required> {
  readonly fields: Fields
}

const builders = {
  /** `true` or `false`, in any case, or words of your own; a `boolean` in functions. */
  boolean: truth,
  /** A whole number from −128 to 127; a `number` in functions. */
  int8: integer('int8'),
  /** A whole number from −32,768 to 32,767; a `number` in functions. */
  int16: integer('int16'),
  /** A whole number from −2,147,483,648 to 2,147,483,647; a `number` in functions. */
  int32: integer('int32'),
  /** A whole number of 64 bits with sign; a `bigint` in functions. */
  int64: integer('int64'),
  /** A whole number from 0 to 255; a `number` in functions. */
  uint8: integer('uint8'),
  /** A whole number from 0 to 65,535; a `number` in functions. */
  uint16: integer('uint16'),
  /** A whole number from 0 to 4,294,967,295; a `number` in functions. */
  uint32: integer('uint32'),
  /** A whole number of 64 bits without sign; a `bigint` in functions. */
  uint64: integer('uint64'),
  /** A floating point number of 32 bits; a `number` in functions. */
  float32: number('float32'),
  /** A floating point number of 64 bits; a `number` in functions. */
  float64: number('float64'),
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
  struct,
}

/**
 * The types of columns. A column may hold nulls unless it is `required`.
 * @example columns: { id: column.int64({ required: true }), price: column.decimal(10, 2), day: column.date({ format: '%d/%m/%Y' }) }
 */
export const column = withKnownNames<typeof builders, OtherColumnNames>('column', builders, otherColumnNames)

/**
 * An exact number of up to `precision` digits (1 to 38), `scale` of them after the point; a `string` in functions, so that no
 * digit is lost.
 * @example column.decimal(10, 2)
 */
function decimal<const Required extends boolean = false>(
  precision: number,
  scale: number,
  given: NumberColumnOptions<Required> = {},
): ColumnOf<'decimal', Required> {
  if (!Number.isInteger(precision) || precision < 1 || precision > 38)
    throw invalid('column.decimal', `precision: expected a whole number from 1 to 38, got ${precision}`)
  if (!Number.isInteger(scale) || scale < 0 || scale > precision)
    throw invalid('column.decimal', `scale: expected a whole number from 0 to the precision ${precision}, got ${scale}`)
  return build('decimal', numberColumnOptions, given, { precision, scale })
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
  return build('list', columnOptions, given, { items: checked })
}

/**
 * An object with a column for each field, read from a JSON object; an object in functions. Fields that the JSON lacks are null, and others
 * are not read.
 * @example column.struct({ id: column.int64({ required: true }), name: column.string() })
 */
function struct<const Fields extends Columns, const Required extends boolean = false>(
  fields: Fields,
  given: ColumnOptions<Required> = {},
): StructColumnOf<Fields, Required> {
  const checked = check('column.struct: fields', columnsSchema, fields)
  checkNamesInFile('column.struct', checked, { kind: 'jsonLines' })
  return build('struct', columnOptions, given, { fields: checked })
}

function truth<const Required extends boolean = false>(
  given: BooleanColumnOptions<Required> = {},
): ColumnOf<'boolean', Required> {
  return build('boolean', booleanColumnOptions, given)
}

function scalar<const Type extends ScalarType>(type: Type) {
  return <const Required extends boolean = false>(given: ColumnOptions<Required> = {}): ColumnOf<Type, Required> =>
    build(type, columnOptions, given)
}

function integer<const Type extends ScalarType>(type: Type) {
  return <const Required extends boolean = false>(
    given: IntegerColumnOptions<Required> = {},
  ): ColumnOf<Type, Required> => build(type, integerColumnOptions, given)
}

function number<const Type extends ScalarType>(type: Type) {
  return <const Required extends boolean = false>(
    given: NumberColumnOptions<Required> = {},
  ): ColumnOf<Type, Required> => build(type, numberColumnOptions, given)
}

function timed<const Type extends ScalarType>(type: Type) {
  return <const Required extends boolean = false>(given: TimeColumnOptions<Required> = {}): ColumnOf<Type, Required> =>
    build(type, timeColumnOptions, given)
}

/** The compiler's type of a column follows from its builder's signature, which this function does not know. */
function build<Column extends ColumnDefinition>(
  type: ColumnDefinition['type'],
  schema: v.GenericSchema<unknown, GivenFields>,
  given: object,
  own: Pick<ColumnDefinition, 'precision' | 'scale' | 'items' | 'fields'> = {},
): Column {
  const subject = `column.${type}`
  const { required = false, ...fields } = columnFields(subject, { ...own, ...check(subject, schema, given) })
  return frozen<ColumnDefinition>({ kind: 'column', required, type, ...fields }) as Column
}
