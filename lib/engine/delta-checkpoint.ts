/** Reads and writes the Parquet files of a Delta table's checkpoints. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { engineFault, openEngine, useEngine } from '../duckdb/engine.ts'
import { quoteName, quoteText, quoteTexts } from '../duckdb/quote.ts'
import type { CheckpointFiles } from '../model/checkpoint-files.ts'

/** Memory for a few row groups. */
const engineBytes = 512 * 1024 * 1024

const partitionValues = 'MAP(VARCHAR, VARCHAR)'
const tags = 'MAP(VARCHAR, VARCHAR)'
/** The columns of a checkpoint, one for each kind of action. */
const columns = {
  txn: 'STRUCT(appId VARCHAR, "version" BIGINT, lastUpdated BIGINT)',
  add: `STRUCT(path VARCHAR, partitionValues ${partitionValues}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags ${tags})`,
  remove: `STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues ${partitionValues}, size BIGINT)`,
  metaData: `STRUCT(id VARCHAR, "name" VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)`,
  protocol:
    'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])',
}
const kinds = Object.keys(columns)

/** Gives a folder to what reads or writes files in it, and removes it then. */
type InFolder = <T>(work: (folder: string) => Promise<T>) => Promise<T>

/** Returns the reader and writer of checkpoints. An engine is open only while it works. */
export function deltaCheckpoints(inFolder: InFolder): CheckpointFiles {
  const inEngine = <T>(act: (connection: DuckDBConnection, folder: string) => Promise<T>): Promise<T> =>
    inFolder(folder => {
      const opening = openEngine({ folders: [folder], tempFolder: folder, memoryBytes: engineBytes })
      return useEngine(opening, async engine => act(await engine.connect(), folder))
    })
  return {
    read: files => inEngine((connection, folder) => readFiles(connection, folder, files)),
    write: actions => inEngine((connection, folder) => writeFileOf(connection, folder, actions)),
  }
}

async function readFiles(connection: DuckDBConnection, folder: string, files: readonly Uint8Array[]) {
  const paths = files.map((_, index) => join(folder, `${index}.parquet`))
  for (const [index, path] of paths.entries()) await writeFile(path, files[index] as Uint8Array)
  try {
    const from = `read_parquet(${quoteTexts(paths)}, union_by_name = true)`
    const names = (await connection.run(`SELECT * FROM ${from} LIMIT 0`)).columnNames()
    const there = kinds.filter(kind => names.includes(kind))
    const fields = there.map(kind => `${quoteText(kind)}: to_json(${quoteName(kind)})`)
    // A row has one action; its other columns are null.
    const rows = there.map(kind => `${quoteName(kind)} IS NOT NULL`).join(' OR ')
    const sql = `SELECT CAST(to_json({${fields.join(', ')}}) AS VARCHAR) FROM ${from} WHERE ${rows}`
    const reader = await connection.runAndReadAll(sql)
    return reader.getRows().map(([line]) => String(line))
  } catch (error) {
    throw engineFault(error)
  }
}

async function writeFileOf(connection: DuckDBConnection, folder: string, actions: Iterable<string>) {
  const [lines, target] = [join(folder, 'actions.jsonl'), join(folder, 'checkpoint.parquet')]
  let longestBytes = objectBytesMin
  await writeFile(
    lines,
    Iterator.from(actions).map(action => {
      const line = Buffer.from(`${action}\n`)
      longestBytes = Math.max(longestBytes, line.length)
      return line
    }),
  )
  const types = Object.entries(columns).map(([name, type]) => `${quoteText(name)}: ${quoteText(type)}`)
  const from = `read_json(${quoteText(lines)}, format = 'newline_delimited', columns = {${types.join(', ')}}, maximum_object_size = ${longestBytes})`
  try {
    await connection.run(`COPY (SELECT * FROM ${from}) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION snappy)`)
    return await readFile(target)
  } catch (error) {
    throw engineFault(error)
  }
}

/** The engine reads through buffers of several times this size. A schema of thousands of columns, one text, needs more. */
const objectBytesMin = 1024 * 1024
