/** Writes the row counts of members as Parquet, a group at a time, and joins the files of a batch. */
import { rm } from 'node:fs/promises'
import type { Engine } from '../../duckdb/engine.ts'
import { quoteText } from '../../duckdb/quote.ts'
import type { MemberAccount } from '../../model/share.ts'
import { scan } from '../read/parquet/describe.ts'
import { createLineFile } from '../read/text/line-file.ts'

/**
 * Writes accounts to `target`, by way of the JSON lines file `staged` in a folder that the engine may read. Errors of the
 * engine and the file system are thrown as they are. Memory: some lines at a time.
 */
export async function writeAccounts(
  engine: Engine,
  accounts: Iterable<MemberAccount>,
  { staged, target }: { readonly staged: string; readonly target: string },
): Promise<void> {
  const columns = "{'archive': 'VARCHAR', 'member': 'VARCHAR', 'records': 'BIGINT', 'rejected': 'BIGINT'}"
  try {
    writeLines(staged, accounts)
    await copy(
      engine,
      `read_json(${quoteText(staged)}, format = 'newline_delimited', hive_partitioning = false, columns = ${columns})`,
      target,
    )
  } finally {
    await rm(staged, { force: true })
  }
}

/** Joins the accounts of several groups in one file, in their order. */
export async function joinAccounts(engine: Engine, files: readonly string[], target: string): Promise<null> {
  await copy(engine, scan(files), target)
  return null
}

function writeLines(path: string, accounts: Iterable<MemberAccount>): void {
  const file = createLineFile(path)
  try {
    for (const account of accounts) file.add(JSON.stringify(account))
  } finally {
    file.close()
  }
}

async function copy(engine: Engine, from: string, target: string): Promise<void> {
  const connection = await engine.connect()
  try {
    await connection.run(`COPY (SELECT * FROM ${from}) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION zstd)`)
  } finally {
    connection.closeSync()
  }
}
