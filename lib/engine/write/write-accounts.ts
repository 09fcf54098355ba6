/** Writes rows by member as Parquet, a group at a time, and joins what the groups of a batch wrote. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { MemberAccount } from '../../model/share.ts'
import type { Engine } from '../duckdb/engine.ts'
import { quoteText } from '../duckdb/quote.ts'
import { scan } from '../read/parquet-describe.ts'

/** Throws the engine's and the file system's errors as they are. By way of a file of JSON lines, in a folder that the engine may read. Memory: some lines at a time. */
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

/** Accounts of several groups as one file, in their order. */
export async function joinAccounts(engine: Engine, files: readonly string[], target: string): Promise<null> {
  await copy(engine, scan(files), target)
  return null
}

const linesAtOnce = 2000

function writeLines(file: string, accounts: Iterable<MemberAccount>): void {
  const handle = openSync(file, 'w')
  try {
    let lines: string[] = []
    for (const account of accounts) {
      lines.push(`${JSON.stringify(account)}\n`)
      if (lines.length < linesAtOnce) continue
      writeSync(handle, lines.join(''))
      lines = []
    }
    writeSync(handle, lines.join(''))
  } finally {
    closeSync(handle)
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
