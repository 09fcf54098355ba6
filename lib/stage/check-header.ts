/** Compares the header of staged text with the declared columns of a task. */
import { type FoundColumns, findColumns, namesInFile } from '../define/columns/file-names.ts'
import type { Columns } from '../define/definition.ts'
import { type FieldFormat, layoutOfText } from '../define/formats/format-kind.ts'
import { type ErrorDetail, PermanentError } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'
import { placeOf } from '../model/member-place.ts'
import { hiveValues } from '../paths/hive-columns.ts'
import { refuseEqualNames } from '../text/csv-header.ts'
import type { StagedFile } from './staged-file.ts'
import type { SliceStageOptions } from './staging.ts'

export interface HeaderCheck
  extends Pick<SliceStageOptions, 'columns' | 'onNewColumn' | 'onMissingColumn' | 'readsHive'> {
  readonly format: FieldFormat
}

/** @throws INPUT_INVALID when a column that is read appears twice in the header; COLUMN_MISSING, COLUMN_NEW */
export function checkHeader(file: StagedFile, options: HeaderCheck): void {
  const { columns, onNewColumn } = options
  const header = file.columns
  const [first] = file.members
  if (header.length === 0 || !first) return
  const where = placeOf(first)
  const place = { archive: first.archive, member: first.member, header: header.slice(0, 1000) }
  const found = findColumns(header, columns, options.format.matchNames)
  const used = new Set(Array.from(found.positions.values(), position => header[position]))
  refuseEqualNames(header, { where, detail: place, used: name => onNewColumn === 'keep' || used.has(name) })
  refuseSeveral(found, where, place)
  const inPath = new Set(options.readsHive ? pathColumns(file) : [])
  const missing = Object.keys(columns).filter(name => !found.positions.has(name) && !inPath.has(name))
  if (missing.length > 0 && options.onMissingColumn === 'fail') {
    const message = `${where}: expected the columns ${list(Object.keys(columns))}, got ${describeMissing(missing, header, options)}`
    throw new PermanentError('COLUMN_MISSING', message, { ...place, missing })
  }
  const added = header.filter(name => !used.has(name))
  if (added.length > 0 && onNewColumn === 'fail')
    throw new PermanentError(
      'COLUMN_NEW',
      `${where}: expected only declared columns, got ${list(added)}; declare them, or set onNewColumn: 'ignore'`,
      { ...place, added: added.slice(0, 1000) },
    )
}

function refuseSeveral({ several }: FoundColumns, where: string, place: ErrorDetail): void {
  for (const [column, names] of several) {
    const shown = names.map(name => JSON.stringify(name)).join(' and ')
    const message = `${where}: expected one name of column ${column} in the header, got ${shown}; take one of them out of from, or read this file by a task of its own`
    throw new PermanentError('INPUT_INVALID', message, { ...place, column, names })
  }
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
  const hints = missing.map(name => missingName(name, columns, isSmall ? header : []))
  const found = `the header ${JSON.stringify(shorten(header.join(layoutOfText(format).delimiter)))} without ${list(hints)}`
  const wanted = Object.entries(columns).flatMap(([name, column]) => namesInFile(name, column))
  const otherwise = dialectAdvice(header, wanted, format)
  return `${found}; ${otherwise ?? "correct the columns, or set onMissingColumn: 'null'"}`
}

/** Limit on comparisons of names; more would take seconds. */
const comparisonsMax = 20_000

/** Returns a missing column with its names in files, and with the nearest name of the header. */
function missingName(name: string, columns: Columns, header: readonly string[]): string {
  const names = namesInFile(name, columns[name])
  const [like] = names.flatMap(each => nearest(each, header, 1))
  const inFile = columns[name]?.from ? ` (from ${names.join(' or ')})` : ''
  return `${name}${inFile}${like === undefined ? '' : ` (nearest: ${like})`}`
}

const delimiters = [',', ';', '\t', '|']

/** Suggests the delimiter for a header of one field, which is often a line of another delimiter. Excel may name it in the first line. */
function dialectAdvice(header: readonly string[], names: readonly string[], format: FieldFormat): string | undefined {
  const { delimiter, quote, skip, workbook } = layoutOfText(format)
  const [only = ''] = header
  if (workbook) return 'set headerRow and sheet in xlsx() if the header stands elsewhere, or correct the columns'
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

const namesMax = 50

const list = (names: readonly string[]): string =>
  names.length <= namesMax
    ? names.join(', ')
    : `${names.slice(0, namesMax).join(', ')} and ${names.length - namesMax} more`

const shownMax = 300

const shorten = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)
