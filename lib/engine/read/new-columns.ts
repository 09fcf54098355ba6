/** Refuses undeclared columns where each record has its own, as JSON lines do. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { PermanentError } from '../../errors/errors.ts'
import { placeOf } from '../../model/member-place.ts'
import { inBoth, type TextSource } from './text-source.ts'
import { memberSql } from './typed-read.ts'

/** @throws DEFINITION_INVALID for the first record of located text with a column that stands in its path too */
export async function refusePathColumns(connection: DuckDBConnection, sources: readonly TextSource[]): Promise<void> {
  for (const { from, keyOf, inPath = [] } of sources)
    for (const name of keyOf ? inPath : []) {
      const place = `${memberSql('_fanmill_member', 'archive')} AS archive, ${memberSql('_fanmill_member', 'member')} AS member`
      const reader = await connection.runAndReadAll(`SELECT ${place} FROM ${from} WHERE ${keyOf?.(name)} LIMIT 1`)
      const [found] = reader.getRowObjects()
      if (found) throw inBoth(found as Record<'archive' | 'member', string>, name)
    }
}

/** @throws COLUMN_NEW for the first record of located text that has one */
export async function refuseNewColumns(connection: DuckDBConnection, sources: readonly TextSource[]): Promise<void> {
  for (const { from, ownNew } of sources) {
    if (!ownNew) continue
    const place = `${memberSql('_fanmill_member', 'archive')} AS archive, ${memberSql('_fanmill_member', 'member')} AS member`
    const reader = await connection.runAndReadAll(
      `SELECT ${place}, _fanmill_line AS line, CAST(to_json(${ownNew.names}) AS VARCHAR) AS added FROM ${from} WHERE len(${ownNew.names}) > 0 LIMIT 1`,
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
