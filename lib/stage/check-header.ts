/** Compares the header of staged text with the declared columns of a task. */
import type { Columns, CsvFormat } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'
import { placeOf } from '../model/member-place.ts'
import { hiveValues } from '../paths/hive-columns.ts'
import { refuseEqualNames } from '../text/csv-header.ts'
import type { StagedFile } from './stage.ts'

export interface HeaderCheck {
  readonly format: CsvFormat
  readonly columns: Columns
  readonly onNewColumn: 'ignore' | 'fail' | 'keep'
  readonly onMissingColumn: 'fail' | 'null'
  /** Whether the paths of the inputs may hold columns (`year=2024/`); default false. */
  readonly readsHive?: boolean
}

/** @throws INPUT_INVALID when a column that is read appears twice in the header; COLUMN_MISSING, COLUMN_NEW */
export function checkHeader(file: StagedFile, options: HeaderCheck): void {
  const { columns, onNewColumn } = options
  const header = file.columns
  const [first] = file.members
  if (header.length === 0 || !first) return
  const where = placeOf(first)
  const place = { archive: first.archive, member: first.member, header: header.slice(0, 1000) }
  refuseEqualNames(header, {
    where,
    detail: place,
    used: name => onNewColumn === 'keep' || Object.hasOwn(columns, name),
  })
  const names = new Set([...header, ...(options.readsHive ? pathColumns(file) : [])])
  const missing = Object.keys(columns).filter(name => !names.has(name))
  if (missing.length > 0 && options.onMissingColumn === 'fail') {
    const message = `${where}: expected the columns ${list(Object.keys(columns))}, got ${describeMissing(missing, header, options)}`
    throw new PermanentError('COLUMN_MISSING', message, { ...place, missing })
  }
  const added = header.filter(name => !Object.hasOwn(columns, name))
  if (added.length > 0 && onNewColumn === 'fail')
    throw new PermanentError(
      'COLUMN_NEW',
      `${where}: expected only declared columns, got ${list(added)}; declare them, or set onNewColumn: 'ignore'`,
      { ...place, added: added.slice(0, 1000) },
    )
}

/** Returns the columns that the paths of all members have in common. */
function pathColumns({ members }: StagedFile): string[] {
  const archives = new Set(members.map(member => member.archive))
  const [first = [], ...others] = Array.from(archives, archive => Object.keys(hiveValues(archive)))
  return first.filter(name => others.every(each => each.includes(name)))
}

/** Describes the header, the columns that it lacks, and the option to change. */
function describeMissing(
  missing: readonly string[],
  header: readonly string[],
  { columns, format }: HeaderCheck,
): string {
  const isSmall = missing.length * header.length <= comparisonsMax
  const hints = isSmall ? missing.map(name => withNearest(name, header)) : missing
  const found = `the header ${JSON.stringify(shorten(header.join(format.delimiter)))} without ${list(hints)}`
  const otherwise = dialectAdvice(header, Object.keys(columns), format)
  return `${found}; ${otherwise ?? "correct the columns, or set onMissingColumn: 'null'"}`
}

/** Limit on comparisons of names; more would take seconds. */
const comparisonsMax = 20_000

function withNearest(name: string, header: readonly string[]): string {
  const [like] = nearest(name, header, 1)
  return like === undefined ? name : `${name} (nearest: ${like})`
}

const delimiters = [',', ';', '\t', '|']

/** Suggests the delimiter for a header of one field, which is often a line of another delimiter. Excel may name it in the first line. */
function dialectAdvice(
  header: readonly string[],
  names: readonly string[],
  { delimiter, quote, skip }: CsvFormat,
): string | undefined {
  const [only = ''] = header
  if (header.length > 1) return undefined
  const [, excel] = /^sep=(.{1,2})$/i.exec(only) ?? []
  if (excel !== undefined) return `set delimiter: '${escapeTab(excel)}' and skip: ${skip + 1} in csv()`
  const plain = (field: string): string => (quote === '' ? field : field.replaceAll(quote, '')).trim()
  const other = delimiters.find(
    each => each !== delimiter && only.split(each).some(field => names.includes(plain(field))),
  )
  return other === undefined ? undefined : `set delimiter: '${escapeTab(other)}' in csv()`
}

const escapeTab = (delimiter: string): string => (delimiter === '\t' ? '\\t' : delimiter)

/** Names that a message lists. */
const namesMax = 50

const list = (names: readonly string[]): string =>
  names.length <= namesMax
    ? names.join(', ')
    : `${names.slice(0, namesMax).join(', ')} and ${names.length - namesMax} more`

/** Characters of a header that a message shows. */
const shownMax = 300

const shorten = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)
