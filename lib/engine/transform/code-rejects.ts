/** Records that functions of the user reject: written to a file while a query runs, then a table of places and reasons. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import { lineDelimiter } from '../../text/record-dialect.ts'
import { quoteText } from '../duckdb/quote.ts'
import { nullTexts } from '../read/text-source.ts'

/** The hidden column by which a row is known through the steps of a transform. */
export const placeColumn = '_fanmill_place'

/** The place as one number, from the columns of the located prefix: a member has fewer than 2^40 records. */
export const placeSql = 'CAST(_fanmill_member AS BIGINT) * 1099511627776 + CAST(_fanmill_record AS BIGINT)'

/** True for a record that no function rejected; the table must be there. */
export const notRejectedSql = `((${placeSql}) NOT IN (SELECT place FROM fanmill_code_rejects))`

/** A reject's reason is cut at this length. */
const reasonCharactersMax = 1000

/** So much text is collected before it is written. */
const bufferCharacters = 65_536

/** A file of rejects while it is written. Memory: its buffer. */
export interface CodeRejectFile {
  add(place: bigint, reason: string): void
  close(): void
}

export function writeCodeRejects(path: string): CodeRejectFile {
  const handle = openSync(path, 'w')
  let text = ''
  const flush = (): void => {
    const bytes = Buffer.from(text)
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done)
    text = ''
  }
  return {
    add(place, reason) {
      const shown = reason.slice(0, reasonCharactersMax).toWellFormed().replaceAll('\0', '\u2400')
      text += `${place}${lineDelimiter}${JSON.stringify(shown)}\n`
      if (text.length >= bufferCharacters) flush()
    },
    close() {
      try {
        flush()
      } finally {
        closeSync(handle)
      }
    },
  }
}

/** Makes the table `fanmill_code_rejects` of a written file. A record that several rows reject is there once. */
export async function loadCodeRejects(connection: DuckDBConnection, path: string): Promise<void> {
  const settings = `columns = {'place': 'BIGINT', 'reason': 'VARCHAR'}, auto_detect = false, header = false, quote = '', escape = '',
    delim = ${quoteText(lineDelimiter)}, new_line = '\\n', nullstr = ${nullTexts([])}`
  await connection.run(`CREATE OR REPLACE TEMP TABLE fanmill_code_rejects AS
    SELECT place, min(json_extract_string(reason, '$')) AS reason FROM read_csv(${quoteText(path)}, ${settings}) GROUP BY place`)
}

/** The rejected records as rejects, from rows with their places. */
export const codeRejectRows = (placed: string): string =>
  `SELECT _fanmill_member, _fanmill_line, _fanmill_record, '', rejected.reason, left(_fanmill_received, 200), _fanmill_text
    FROM (${placed}) JOIN fanmill_code_rejects AS rejected ON rejected.place = ${placeSql}`
