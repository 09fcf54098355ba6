/** The staged members of a conversion as an SQL variable, in which queries look up the member of a located row. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteText } from '../../duckdb/quote.ts'
import { hiveValues } from '../../paths/hive-columns.ts'
import type { StagedMember } from '../../stage/staged-file.ts'

/** Sets the variable. Members are numbered over all files of a stage; the numbers of those given here have no gaps. */
export async function setStagedMembers(connection: DuckDBConnection, members: readonly StagedMember[]): Promise<void> {
  const sorted = members.toSorted((a, b) => a.index - b.index)
  const list = sorted.map(
    ({ archive, member }) =>
      `{'archive': ${quoteText(archive)}, 'member': ${quoteText(member)}, 'hive': ${pathValues(archive)}}`,
  )
  await connection.run(
    `SET VARIABLE fanmill_members = [${list.join(', ')}]; SET VARIABLE fanmill_first_member = ${sorted[0]?.index ?? 0}`,
  )
}

/** A field of the member with an index, as SQL; `index` is SQL for a text. */
export const memberField = (index: string, field: 'archive' | 'member' | 'hive'): string =>
  `getvariable('fanmill_members')[CAST(${index} AS INTEGER) - getvariable('fanmill_first_member') + 1].${field}`

/** Archive and member of a located row, as a list of columns. */
export const memberColumns = `${memberField('_fanmill_member', 'archive')} AS archive, ${memberField('_fanmill_member', 'member')} AS member`

/** The columns in a path, as a map of texts. */
function pathValues(archive: string): string {
  const entries = Object.entries(hiveValues(archive)).map(
    ([name, value]) => `${quoteText(name)}: ${value === null ? 'NULL' : quoteText(value)}`,
  )
  return `MAP {${entries.join(', ')}}::MAP(VARCHAR, VARCHAR)`
}
