/** Fetches broadcast tables once for all threads, and identifies them, because rows depend on them. */

import { createHash } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { ParamValues, TableDefinition, TaskDefinition } from '../define/definition.ts'
import { isText } from '../define/format-kind.ts'
import type { TableFile } from '../engine/read/load-tables.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearest, nearestHint } from '../errors/nearest.ts'
import { withoutCompression } from '../inflate/compression.ts'
import { inflateNamed } from '../inflate/file.ts'
import { prepareTable } from '../parquet/file.ts'
import { renderPath } from '../paths/path-template.ts'
import type { Store, StoredObject } from '../store/store.ts'
import { checkEncoding, toUtf8 } from '../text/encoding.ts'
import { encodingOf } from '../text/record-dialect.ts'
import { candidateKeys } from './candidate-keys.ts'

export interface FetchedTables {
  readonly files: readonly (TableFile & { readonly key: string; readonly sizeBytes: number })[]
  /** Hash of names and contents. */
  readonly identity: string
}

export interface TablePlaces {
  readonly input: Store
  /** Folder below which the files of the tables are written. */
  readonly stageFolder: string
}

/** Fetches the tables of a task. @throws NO_INPUT when a table is missing */
export async function fetchTables(
  places: TablePlaces,
  task: TaskDefinition,
  params: ParamValues,
): Promise<FetchedTables> {
  const folder = join(places.stageFolder, 'tables')
  await mkdir(folder, { recursive: true })
  const hash = createHash('sha256')
  const files = []
  for (const [name, table] of Object.entries(task.tables)) {
    const key = renderPath(table.path, params)
    const bytes = await readTable(places, task.name, name, key)
    const { file, format } = await writeTable(bytes, { folder, name, key, table })
    const parquet = isText(table.format) ? undefined : prepareTable(file, name)
    hash.update(tableHead(name, bytes.length)).update(bytes)
    files.push({
      name,
      file,
      key,
      sizeBytes: bytes.length,
      format,
      columns: table.columns,
      parquet,
    })
  }
  return { files, identity: hash.digest('hex') }
}

interface TablePlace {
  readonly folder: string
  readonly name: string
  readonly key: string
  readonly table: TableDefinition
}

/** Writes a table unchanged, or its text in UTF-8, because the engine reads no other encoding. */
async function writeTable(bytes: Uint8Array, place: TablePlace): Promise<Pick<TableFile, 'file' | 'format'>> {
  const { folder, name, key, table } = place
  const { format } = table
  const encoding = isText(format) ? encodingOf(format) : 'utf-8'
  if (!isText(format) || encoding === 'utf-8') {
    const file = join(folder, `${name}${extname(key)}`)
    await writeFile(file, bytes)
    return { file, format }
  }
  const file = join(folder, `${name}${extname(withoutCompression(key))}`)
  const target = await open(file, 'w')
  try {
    let isFirst = true
    const where = `table ${name}`
    for await (const chunk of inflateNamed(chunksOf(bytes), key, { where, detail: { table: name } })) {
      if (isFirst) checkEncoding(chunk, encoding)
      isFirst = false
      await target.writeFile(toUtf8(chunk, encoding))
    }
  } finally {
    await target.close()
  }
  return { file, format: { ...format, encoding: 'utf-8' } }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes)
}

const chunkBytes = 1024 * 1024

/**
 * Returns the identity of `fetchTables` without writing the tables. Memory: a few MiB.
 * @throws NO_INPUT when a table is missing
 */
export async function tablesIdentity(input: Store, task: TaskDefinition, params: ParamValues): Promise<string> {
  const hash = createHash('sha256')
  for (const [name, table] of Object.entries(task.tables)) {
    const key = renderPath(table.path, params)
    const { etag, sizeBytes } = await findTable(input, { task: task.name, name, key })
    hash.update(tableHead(name, sizeBytes))
    for await (const bytes of input.stream(key, { etag })) hash.update(bytes)
  }
  return hash.digest('hex')
}

const tableHead = (name: string, sizeBytes: number): string => `${name}\0${sizeBytes}\0`

async function readTable(
  { input }: Pick<TablePlaces, 'input'>,
  task: string,
  name: string,
  key: string,
): Promise<Uint8Array> {
  const found = await findTable(input, { task, name, key })
  return input.read(key, { etag: found.etag })
}

/** Finds a table's object. @throws NO_INPUT with the nearest names when it is missing */
export async function findTable(
  input: Store,
  { task, name, key }: { readonly task: string; readonly name: string; readonly key: string },
): Promise<StoredObject> {
  const found = await input.stat(key)
  if (found) return found
  const close = nearest(key, await candidateKeys(input))
  throw new PermanentError(
    'NO_INPUT',
    `task ${task}: table ${name}: expected ${key} under ${input.url}, got nothing${nearestHint(close)}`,
    { name, key, nearest: close },
  )
}
