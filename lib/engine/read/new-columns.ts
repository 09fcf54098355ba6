/** Refuses columns of records that have columns of their own, as JSON lines do: undeclared ones, and those of their path. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { PermanentError } from '../../errors/errors.ts'
import { placeOf } from '../../model/member-place.ts'
import { inPathAndFile } from './path-columns.ts'
import { memberColumns } from './staged-members.ts'
import type { TextSource } from './text/text-source.ts'

/** @throws DEFINITION_INVALID for the first located record with a column that also stands in its path */
export async function refusePathColumns(connection: DuckDBConnection, sources: readonly TextSource[]): Promise<void> {
  for (const { from, keyOf, inPath = [] } of sources)
    for (const name of keyOf ? inPath : []) {
      const reader = await connection.runAndReadAll(
        `SELECT ${memberColumns} FROM ${from} WHERE ${keyOf?.(name)} LIMIT 1`,
      )
      const [found] = reader.getRowObjects()
      if (found) throw inPathAndFile(found as Record<'archive' | 'member', string>, name)
    }
}

/** @throws COLUMN_NEW for the first located record that has an undeclared column */
export async function refuseNewColumns(connection: DuckDBConnection, sources: readonly TextSource[]): Promise<void> {
  for (const { from, ownNew } of sources) {
    if (!ownNew) continue
    const reader = await connection.runAndReadAll(
      `SELECT ${memberColumns}, _fanmill_line AS line, CAST(to_json(${ownNew.names}) AS VARCHAR) AS added FROM ${from} WHERE len(${ownNew.names}) > 0 LIMIT 1`,
    )
    const [found] = reader.getRowObjects()
    if (!found) continue
    const { archive, member } = found as Record<'archive' | 'member', string>
    const line = Number(found.line)
    const added = JSON.parse(String(found.added)) as readonly string[]
    throw new PermanentError(
      'COLUMN_NEW',
      `${placeOf({ archive, member })}, line ${line}: expected only declared columns, got ${added.join(', ')}; declare them, or set onNewColumn: 'ignore'`,
      { archive, member, line, added },
    )
  }
}
