/** Chooses what CSV is parsed to while it is staged, and reads the rows that were parsed. */
import type { ColumnDefinition, Format } from '../../../define/definition.ts'
import { layoutOfText } from '../../../define/formats/format-kind.ts'
import { quoteName } from '../../../duckdb/quote.ts'
import { parsedColumnName } from '../../../stage/parsed-file.ts'
import type { Parsing } from '../../../stage/parsing.ts'
import type { StagedFile } from '../../../stage/staged-file.ts'
import { canParse } from '../../../text/columns/column-parser.ts'
import type { FieldKind } from '../../../text/columns/field-kind.ts'
import { dialectOf } from '../../../text/records/dialect.ts'
import { scan } from '../parquet/describe.ts'
import { isPlain } from './plain-text.ts'
import { fieldsOf } from './scanned-types.ts'
import type { TextSourceOptions } from './text-source.ts'

/** Returns how the text of a task's inputs is parsed; undefined where it is not. */
export function parsingOf(
  format: Format,
  { columns, strict = true, keepNew = false }: Pick<TextSourceOptions, 'columns' | 'strict' | 'keepNew'>,
): Parsing | undefined {
  if (format.kind !== 'csv' || layoutOfText(format).escapes) return undefined
  if (!canParse(dialectOf(format), format.nullValues)) return undefined
  return {
    nulls: format.nullValues,
    looksAtTexts: strict,
    fieldsOf(header) {
      const { names, positions } = fieldsOf(header, format, { columns })
      const kinds = new Map(Array.from(positions, ([name, position]) => [position, kindOf(columns[name])]))
      return names.map((_, position) => kinds.get(position) ?? (keepNew ? text : undefined))
    },
  }
}

const text: FieldKind = { kind: 'text' }
const castText: FieldKind = { kind: 'text', isCast: true }

/** Returns the kind of fields that are parsed to what the engine reads of them; a text for columns that it converts itself. */
function kindOf(column: ColumnDefinition | undefined): FieldKind {
  if (!column || column.format !== undefined || !isPlain(column)) return text
  const { type, required: isRequired = false, precision = 18, scale = 3 } = column
  if (type.includes('int')) return integerKind(type, isRequired)
  if (type === 'decimal') {
    if (scale > decimalDigits) return castText
    return { kind: 'decimal', isRequired, precision: Math.min(precision, decimalDigits), scale }
  }
  const kind = sameKinds.find(each => each === type)
  return kind ? { kind, isRequired } : text
}

/** Types whose kinds have the same names. */
const sameKinds = ['float32', 'float64', 'boolean', 'date', 'time', 'timestamp'] as const

/** Digits of a decimal that is parsed: one with more is left to the engine. */
const decimalDigits = 18

/** Integers are parsed to 32 bits, which take less room, until a larger one is found. */
function integerKind(type: string, isRequired: boolean): FieldKind {
  const [, unsigned, digits] = /^(u?)int(\d+)$/.exec(type) ?? []
  const bits = Number(digits) - (unsigned ? 0 : 1)
  const kindOf = (kind: 'int32' | 'int64', bitsMax: number): FieldKind => {
    const most = 2n ** BigInt(Math.min(bits, bitsMax)) - 1n
    return { kind, isRequired, least: unsigned ? 0n : -most - 1n, most }
  }
  // An integer of `uint64` that takes all bits is left to the engine.
  return { ...kindOf('int32', 31), wider: bits > 31 ? kindOf('int64', 63) : undefined }
}

/** Returns a FROM clause over rows that were parsed, with the columns `names` by position; those of `types` have that type. */
export function parsedRows(
  files: readonly StagedFile[],
  names: readonly string[],
  types: Readonly<Record<string, string>>,
): string {
  const columns = names.flatMap((name, position) => {
    if (!files[0]?.parsed?.[position]) return []
    const parsed = parsedColumnName(position)
    return [`${types[name] === undefined ? parsed : `CAST(${parsed} AS ${types[name]})`} AS ${quoteName(name)}`]
  })
  return `(SELECT ${columns.join(', ')} FROM ${scan(files.map(({ file }) => file))})`
}

/** Whether the fields at a position were parsed to values. */
export const isParsed = (files: readonly StagedFile[], position: number | undefined): boolean => {
  const kind = position === undefined ? undefined : files[0]?.parsed?.[position]
  return kind !== undefined && kind.kind !== 'text'
}
