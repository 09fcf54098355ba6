/** Defines the schemas that several builders share. Each message names what it expects. */
import * as v from 'valibot'
import { engineName } from '../errors/engine-name.ts'
import { record } from '../errors/record-schema.ts'
import { piece } from './check.ts'
import type { ColumnDefinition, Format } from './definition.ts'
import { hasControlCharacter } from './template-syntax.ts'

export const text = v.string('a string')
export const filledText = v.pipe(text, v.nonEmpty('a string that is not empty'))
export const flag = v.boolean('true or false')
export const texts = v.array(text, 'a list of strings')
export const anyFunction = v.function('a function')

/** Refuses names such as `constructor`, which a look-up in any object finds. */
export const isOwnName = v.check(
  (name: string) => !(name in Object.prototype),
  'a name that not every JavaScript object has already',
)

/** The schema of task and pipeline names, which become parts of paths and of cloud resources' names. */
export const definitionName = v.pipe(
  v.string('a name'),
  v.regex(
    /^[a-z0-9][a-z0-9-]*$/,
    issue => `a name of lower case letters, digits and hyphens${nameLike(String(issue.input))}`,
  ),
  isOwnName,
)

/** Returns a name that is allowed, for one such as `perUser`. */
function nameLike(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').match(/[a-z0-9]+/gi) ?? []
  return words.length === 0 ? '' : ` such as ${words.join('-').toLowerCase()}`
}

/** Returns the schema of a whole number from `min` up, at most `max` where that is given. */
export function count(min: number, max = Number.POSITIVE_INFINITY) {
  const expected = `a whole number from ${min} ${Number.isFinite(max) ? `to ${max}` : 'up'}`
  return v.pipe(v.number(expected), v.safeInteger(expected), v.minValue(min, expected), v.maxValue(max, expected))
}

/** Returns the schema of one of these words. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  return v.picklist(words, `one of ${words.join(', ')}`)
}

/** A path below a root: relative, `/` between its segments, none of them `.`, `..` or empty. */
export const relativePath = v.pipe(
  filledText,
  v.check(
    path => path.split('/').every(segment => segment !== '' && segment !== '.' && segment !== '..'),
    'a path relative to its root, without empty, . or .. segments',
  ),
  v.check(path => !hasControlCharacter(path), 'a path without control characters'),
)

/** Whether no two names are equal in another case, as the engine takes them for one. */
export const differInMoreThanCase = (all: readonly string[]): boolean =>
  new Set(all.map(engineName)).size === all.length

const columnNames = v.array(filledText, "a list of column names such as ['shop']")

/** Names of columns, of which one may stand twice. */
export const columnList = v.pipe(columnNames, v.minLength(1, 'at least one column'))

/** Names of columns. */
export const names = v.pipe(
  columnNames,
  v.check(all => differInMoreThanCase(all), 'each column once'),
)

/** Columns that a step adds, or none. */
export const addedColumns = record(
  filledText,
  piece<ColumnDefinition>('a column such as column.string()', ['column']),
  'columns by name',
)

/** Columns by name. Names differ in more than case, as the engine ignores case. */
export const columns = v.pipe(
  addedColumns,
  v.check(all => Object.keys(all).length > 0, 'at least one column'),
  v.check(all => differInMoreThanCase(Object.keys(all)), 'column names that differ in more than case'),
)

/** The functions that make formats, for messages. */
export const formatCalls =
  'csv(), jsonLines(), json(), lines({ … }), fixedWidth({ … }), xlsx(), xml({ … }), avro() or parquetFiles()'

/** How records stand in a file. */
export const anyFormat = piece<Format>(formatCalls, [
  'avro',
  'csv',
  'jsonLines',
  'json',
  'fixedWidth',
  'lines',
  'parquet',
  'xlsx',
  'xml',
])
