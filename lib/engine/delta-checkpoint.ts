/** Reads and writes the Parquet files of a Delta table's checkpoints. */
import { rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { type Action, invalidLog, readAction } from '../delta/actions.ts'
import type { CheckpointFiles } from '../delta/checkpoint-files.ts'
import { engineFault, openEngine } from './duckdb/engine.ts'
import { quoteName, quoteText, quoteTexts } from './duckdb/quote.ts'

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

/** Returns the reader and writer of checkpoints, which puts its files into a folder of its own. An engine is open only while it works. */
export function deltaCheckpoints(makeFolder: () => string): CheckpointFiles {
  return {
    read: (files, place) =>
      inFolder(makeFolder(), (connection, folder) => readFiles(connection, { files, place, folder })),
    write: actions => inFolder(makeFolder(), (connection, folder) => writeFileOf(connection, folder, actions)),
  }
}

async function inFolder<T>(
  folder: string,
  act: (connection: DuckDBConnection, folder: string) => Promise<T>,
): Promise<T> {
  try {
    const engine = await openEngine({ folders: [folder], tempFolder: folder, memoryBytes: engineBytes })
    try {
      return await act(await engine.connect(), folder)
    } finally {
      engine.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Reading {
  readonly files: readonly Uint8Array[]
  readonly place: string
  readonly folder: string
}

async function readFiles(connection: DuckDBConnection, { files, place, folder }: Reading): Promise<Action[]> {
  const paths = files.map((_, index) => join(folder, `${index}.parquet`))
  for (const [index, path] of paths.entries()) await writeFile(path, files[index] as Uint8Array)
  try {
    const from = `read_parquet(${quoteTexts(paths)}, union_by_name = true)`
    const names = (await connection.run(`SELECT * FROM ${from} LIMIT 0`)).columnNames()
    const there = kinds.filter(kind => names.includes(kind))
    const fields = there.map(kind => `${quoteText(kind)}: to_json(${quoteName(kind)})`)
    // A row has one action; its other columns are null.
    const reader = await connection.runAndReadAll(
      `SELECT CAST(to_json({${fields.join(', ')}}) AS VARCHAR) FROM ${from} WHERE ${there.map(kind => `${quoteName(kind)} IS NOT NULL`).join(' OR ')}`,
    )
    return reader.getRows().map(([line]) => readAction(String(line), place))
  } catch (error) {
    const fault = engineFault(error)
    throw error instanceof Error && error.name === 'PermanentError'
      ? error
      : invalidLog(place, `expected a checkpoint as Parquet, got: ${fault.message}`, error)
  }
}

async function writeFileOf(
  connection: DuckDBConnection,
  folder: string,
  actions: Iterable<Action>,
): Promise<Uint8Array> {
  const [lines, target] = [join(folder, 'actions.jsonl'), join(folder, 'checkpoint.parquet')]
  let longestBytes = objectBytesMin
  await writeFile(
    lines,
    Iterator.from(actions).map(action => {
      const line = Buffer.from(`${JSON.stringify(action)}\n`)
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
