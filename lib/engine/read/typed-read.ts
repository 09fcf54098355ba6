/** Reads staged text into the declared columns: a fast query fails on the first misfit, a careful one keeps misfits apart. */
import type { ColumnDefinition, Columns } from '../../define/definition.ts'
import { quoteName } from '../../duckdb/quote.ts'
import {
  expectedSql,
  fieldsOf,
  fits,
  isObjectText,
  misfit,
  misfitOf,
  mustConvert,
  raiseMisfit,
  sqlType,
  tryConvert,
  validJson,
} from './column-sql.ts'
import { runValue } from './provenance-sql.ts'
import { declaredColumns, type ExtraColumns, emptyRead, guardedRows, newMap, type RowGuard } from './read-columns.ts'
import { memberField } from './staged-members.ts'
import { prefixColumns } from './text/csv-scan.ts'
import { readableText } from './text/plain-text.ts'
import { recordCharactersMax } from './text/record-text.ts'
import { allMet, type TextSource } from './text/text-source.ts'

/** Provenance columns are read from the located prefix. */
export interface ReadOptions extends ExtraColumns {
  readonly columns: Columns
  readonly strict: boolean
  /** Columns that stand in the paths of the inputs; they are among `columns`. Default none. */
  readonly hive?: readonly string[]
  /** Fails a fast reading where a record has columns of its own that are not declared. Default false. */
  readonly refuseNew?: boolean
}

/**
 * Returns a query with the declared columns, which fails on any text that does not fit. With `guard`, rows also pass through that
 * function, and every column is read, whether or not a transform uses it.
 */
export function fastRead(sources: readonly TextSource[], options: ReadOptions, guard?: RowGuard): string {
  const selects = sources.map(source => fastSelect(source, options))
  const read = union(selects, options)
  return guard === undefined ? read : guardedRows(read, guard, { ...options, names: Object.keys(options.columns) })
}

export interface CarefulOptions {
  /** A boolean function of the engine that the rows pass through. */
  readonly guard?: string
  /** Records with a higher number are skipped. */
  readonly lastRecord?: number | undefined
  /** Adds the columns of the row's place (`placeColumns`). Default false. */
  readonly hasPlaces?: boolean
}

/** Returns a query with the declared columns of the rows that fit. The others are those of `misfits`. */
export function carefulRead(
  sources: readonly TextSource[],
  options: ReadOptions,
  { guard, lastRecord, hasPlaces = false }: CarefulOptions = {},
): string {
  return union(
    sources.map(source => {
      const before = lastRecord === undefined ? '' : `CAST(_fanmill_record AS BIGINT) <= ${lastRecord} AND `
      const fit = `${before}${fitOf(source, options)}`
      // One expression, because filters side by side are evaluated in any order: only rows that fit are counted.
      const condition =
        guard === undefined ? fit : `CASE WHEN ${fit} THEN ${guard}(_fanmill_member IS NULL) ELSE false END`
      const convert: Convert = (column, text) => tryConvert(column, text, options.strict)
      const text = `left(${source.recordText}, ${recordCharactersMax})`
      const places = hasPlaces
        ? `, ${prefixColumns.join(', ')}, ${text} AS _fanmill_received, ${text} AS _fanmill_text`
        : ''
      return `SELECT ${selectList(source, options, convert)}${places} FROM ${source.from} WHERE ${condition}`
    }),
    options,
    hasPlaces,
  )
}

/**
 * Returns a query of the rows that do not fit, each with its first misfitting column: member, line, record (texts), column,
 * expected, received, text. Empty where every text fits.
 */
export function misfits(sources: readonly TextSource[], options: ReadOptions): string {
  return sources
    .flatMap(source => {
      const cases = Object.entries(options.columns).flatMap(([name, column]) =>
        misfitCase(source, name, column, options),
      )
      const whole = (source.record?.tests ?? []).map(
        ({ isMet, expected }) =>
          `WHEN NOT coalesce(${isMet}, false) THEN ${misfit('', expected, source.record?.received ?? 'NULL')}`,
      )
      if (whole.length + cases.length === 0) return []
      const prefix = `_fanmill_member AS member, _fanmill_line AS line, _fanmill_record AS record`
      return `SELECT ${prefix}, unnest(CASE ${[...whole, ...cases].join(' ')} END), left(${source.recordText}, ${recordCharactersMax}) AS text FROM ${source.from} WHERE NOT ${fitOf(source, options)}`
    })
    .join(' UNION ALL ')
}

function fastSelect(source: TextSource, options: ReadOptions): string {
  const values: string[] = []
  // The value stands in a subquery below its check: the engine computes an expression that may raise each time that it stands somewhere.
  const convert: Convert = (column, text, name) => {
    const { value, checked } = mustConvert(column, text, { name, strict: options.strict })
    if (!checked) return value
    const below = quoteName(`value ${values.length}`)
    values.push(`${value} AS ${below}`)
    return checked(below)
  }
  const list = selectList(source, options, convert)
  const from =
    values.length === 0
      ? source.from
      : `(SELECT ${[...(source.used ?? ['*']), ...values].join(', ')} FROM ${source.from})`
  const conditions = [
    ...(source.record ? [allMet(source.record.tests)] : []),
    ...Object.keys(options.columns).flatMap(name => withoutError(source, name)),
    ...(options.refuseNew && source.ownNew ? [`len(${source.ownNew.names}) = 0`] : []),
    ...(source.keyOf ? (source.inPath ?? []).map(name => `NOT ${source.keyOf?.(name)}`) : []),
  ]
  const valid =
    conditions.length > 0
      ? ` WHERE CASE WHEN ${conditions.join(' AND ')} THEN true ELSE error('fanmill: a record does not fit') END`
      : ''
  return `SELECT ${list} FROM ${from}${valid}`
}

type Convert = (column: ColumnDefinition, text: string, name: string) => string

function selectList(source: TextSource, options: ReadOptions, convert: Convert): string {
  const names = Object.keys(options.columns)
  const typed = names.map(name => `${typedText(source, name, options, convert)} AS ${quoteName(name)}`)
  const undeclared = (source.undeclared ?? []).map(({ name, text }) => [name, text] as const)
  const kept = options.keepNew ? [`${source.ownNew?.map ?? newMap(undeclared)} AS _new`] : []
  return [...typed, ...options.provenance.map(provenanceSql), ...kept].join(', ')
}

function typedText(source: TextSource, name: string, options: ReadOptions, convert: Convert): string {
  const column = options.columns[name] as ColumnDefinition
  const text = source.text(name)
  if (text !== undefined && source.isTyped?.(name)) return text
  if (text !== undefined) return convert(column, readableText(column, text), name)
  return column.required ? `CAST(${raiseMisfit(name)} AS ${sqlType(column)})` : `CAST(NULL AS ${sqlType(column)})`
}

function provenanceSql(name: string): string {
  if (name === '_line') return 'CAST(_fanmill_line AS BIGINT) AS _line'
  const ofRun = runValue(name)
  if (ofRun !== undefined) return `${ofRun} AS ${name}`
  return `${memberField('_fanmill_member', name === '_archive' ? 'archive' : 'member')} AS ${name}`
}

function fitOf(source: TextSource, options: ReadOptions): string {
  const tests = Object.entries(options.columns).map(([name, column]) => fitTest(source, name, column, options))
  return `(${[...(source.record ? [allMet(source.record.tests)] : []), ...tests].join(' AND ') || 'true'})`
}

function fitTest(source: TextSource, name: string, column: ColumnDefinition, options: ReadOptions): string {
  const found = source.text(name)
  if (found === undefined) return column.required ? 'false' : 'true'
  const text = readableText(column, found)
  const own = fits(column, text, tryConvert(column, text, options.strict), options.strict)
  const [hasValue] = withoutError(source, name)
  return hasValue === undefined ? own : `(CASE WHEN ${hasValue} THEN ${own} ELSE false END)`
}

/** Returns the test that a field holds no error; none for formats that have no errors. */
function withoutError(source: TextSource, name: string): string[] {
  const error = source.errorIn?.(name)
  return error === undefined ? [] : [`NOT ${error.isMet}`]
}

function misfitCase(source: TextSource, name: string, column: ColumnDefinition, options: ReadOptions): string[] {
  const test = fitTest(source, name, column, options)
  if (test === 'true') return []
  const text = source.errorIn?.(name)?.shown ?? source.text(name) ?? 'NULL'
  const ofFields = column.type === 'struct' ? fieldMisfits(name, column, { text, strict: options.strict }) : []
  return [...ofFields, `WHEN NOT ${test} THEN ${misfitOf(name, expectedSql(column, text), text)}`]
}

/** Returns a case for each field of a struct that does not fit, which names the field. */
function fieldMisfits(
  name: string,
  column: ColumnDefinition,
  { text, strict }: { readonly text: string; readonly strict: boolean },
): string[] {
  const object = validJson(text)
  return fieldsOf(column, object).flatMap(({ name: own, field, text: fieldText }) => {
    const path = `${name}.${own}`
    const inner = field.type === 'struct' ? fieldMisfits(path, field, { text: fieldText, strict }) : []
    const isMisfit = `NOT ${fits(field, fieldText, tryConvert(field, fieldText, strict), strict)}`
    const found = misfitOf(path, expectedSql(field, fieldText), fieldText)
    return [
      ...inner,
      `WHEN CASE WHEN ${isObjectText(column, object, strict)} THEN ${isMisfit} ELSE false END THEN ${found}`,
    ]
  })
}

function union(selects: readonly string[], options: ReadOptions, hasPlaces = false): string {
  return selects.join(' UNION ALL ') || emptyRead(declaredColumns(options.columns), options, hasPlaces)
}
