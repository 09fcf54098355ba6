/** Writes a batch's rows by member as Parquet. */
import { rm, writeFile } from 'node:fs/promises'
import type { MemberAccount } from '../core/share.ts'
import { type Engine, engineFault } from './engine.ts'
import { quoteText } from './quote.ts'

/** By way of a file of JSON lines, in a folder that the engine may read. */
export async function writeAccounts(
  engine: Engine,
  accounts: readonly MemberAccount[],
  { staged, target }: { readonly staged: string; readonly target: string },
): Promise<void> {
  await writeFile(staged, accounts.map(account => `${JSON.stringify(account)}\n`).join(''))
  const columns = "{'archive': 'VARCHAR', 'member': 'VARCHAR', 'records': 'BIGINT', 'rejected': 'BIGINT'}"
  const connection = await engine.connect()
  try {
    const from = `read_json(${quoteText(staged)}, format = 'newline_delimited', columns = ${columns})`
    await connection.run(`COPY (SELECT * FROM ${from}) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION zstd)`)
  } catch (error) {
    throw engineFault(error)
  } finally {
    connection.closeSync()
    await rm(staged, { force: true })
  }
}
