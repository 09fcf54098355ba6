/** Writes a batch's rows by member as Parquet. */
import { rm, writeFile } from 'node:fs/promises'
import type { MemberAccount } from '../core/share.ts'
import type { Engine } from './engine.ts'
import { quoteText } from './quote.ts'

/** Throws the engine's and the file system's errors as they are. By way of a file of JSON lines, in a folder that the engine may read. */
export async function writeAccounts(
  engine: Engine,
  accounts: readonly MemberAccount[],
  { staged, target }: { readonly staged: string; readonly target: string },
): Promise<void> {
  const columns = "{'archive': 'VARCHAR', 'member': 'VARCHAR', 'records': 'BIGINT', 'rejected': 'BIGINT'}"
  const connection = await engine.connect()
  try {
    await writeFile(staged, accounts.map(account => `${JSON.stringify(account)}\n`).join(''))
    const from = `read_json(${quoteText(staged)}, format = 'newline_delimited', columns = ${columns})`
    await connection.run(`COPY (SELECT * FROM ${from}) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION zstd)`)
  } finally {
    connection.closeSync()
    await rm(staged, { force: true })
  }
}
