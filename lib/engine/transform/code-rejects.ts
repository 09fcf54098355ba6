/** Records that functions of the user reject: written to a file while a query runs, then a table of places and reasons. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { lineDelimiter } from '../../define/formats/format-kind.ts'
import { scanLines } from '../read/text/csv-scan.ts'
import { createLineFile } from '../read/text/line-file.ts'

/** The hidden column that identifies a row's record through the steps of a transform. */
export const placeColumn = '_fanmill_place'

/** The place as one number, from the columns of the located prefix: a member has fewer than 2^40 records. */
export const placeSql = 'CAST(_fanmill_member AS BIGINT) * 1099511627776 + CAST(_fanmill_record AS BIGINT)'

/** True for a record that no function rejected; the table must exist. */
export const notRejectedSql = `((${placeSql}) NOT IN (SELECT place FROM fanmill_code_rejects))`

const reasonCharactersMax = 1000

/** A file of rejects while it is written. */
export interface CodeRejectFile {
  add(place: bigint, reason: string): void
  close(): void
}

export function writeCodeRejects(path: string): CodeRejectFile {
  const lines = createLineFile(path)
  return {
    add(place, reason) {
      const shown = reason.slice(0, reasonCharactersMax).toWellFormed().replaceAll('\0', '\u2400')
      lines.add(`${place}${lineDelimiter}${JSON.stringify(shown)}`)
    },
    close: lines.close,
  }
}

/** Makes the table `fanmill_code_rejects` of a written file. A record that several rows reject is there once. */
export async function loadCodeRejects(connection: DuckDBConnection, path: string): Promise<void> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE fanmill_code_rejects AS
    SELECT CAST(place AS BIGINT) AS place, min(json_extract_string(reason, '$')) AS reason
    FROM ${scanLines([path], ['place', 'reason'])} GROUP BY ALL`)
}

/** The rejected records as rejects, from rows with their places. */
export const codeRejectRows = (placed: string): string =>
  `SELECT _fanmill_member, _fanmill_line, _fanmill_record, '', rejected.reason, left(_fanmill_received, 200), _fanmill_text
    FROM (${placed}) JOIN fanmill_code_rejects AS rejected ON rejected.place = ${placeSql}`
