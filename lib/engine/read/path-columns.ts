/** Columns that stand in the paths of staged text (`name=value`), beside those of the text. */
import { formatKind } from '../../define/formats/format-kind.ts'
import { quoteText } from '../../duckdb/quote.ts'
import { PermanentError } from '../../errors/errors.ts'
import { type MemberPlace, placeOf } from '../../model/member-place.ts'
import { hiveValues } from '../../paths/hive-columns.ts'
import type { StagedFile } from '../../stage/staged-file.ts'
import { memberField } from './staged-members.ts'
import type { TextSource, TextSourceOptions } from './text/text-source.ts'

/** Adds the columns of the path to a source. @throws DEFINITION_INVALID for a column that is in both */
export function withPathColumns(
  source: TextSource,
  files: readonly StagedFile[],
  { hive = [], format }: TextSourceOptions,
): TextSource {
  if (hive.length === 0) return source
  const archives = new Set(files.flatMap(file => file.members.map(({ archive }) => archive)))
  const inPaths = new Set([...archives].flatMap(archive => Object.keys(hiveValues(archive))))
  const inPath = hive.filter(name => inPaths.has(name))
  if (formatKind(format).columnsFrom === 'header') refuseBoth(archives, files[0]?.columns ?? [])
  return {
    ...source,
    text: column => (inPath.includes(column) ? pathText(column) : source.text(column)),
    undeclared: source.undeclared?.filter(({ name }) => !inPath.includes(name)),
    inPath,
  }
}

function refuseBoth(archives: ReadonlySet<string>, header: readonly string[]): void {
  for (const archive of archives) {
    const both = Object.keys(hiveValues(archive)).find(name => header.includes(name))
    if (both !== undefined) throw inPathAndFile({ archive, member: '' }, both)
  }
}

/** Returns the error for a column that stands in a path and in its file. */
export const inPathAndFile = (place: MemberPlace, column: string): PermanentError =>
  new PermanentError(
    'DEFINITION_INVALID',
    `${placeOf(place)}: expected column ${column} in the path or in the file, got it in both; set hive: false, or rename one`,
    { ...place, column },
  )

const pathText = (column: string): string => `${memberField('_fanmill_member', 'hive')}[${quoteText(column)}]`
