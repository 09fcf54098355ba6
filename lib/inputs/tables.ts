/** Fetches broadcast tables once for all threads, and identifies them, because rows depend on them. */

import { createHash } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Format, ParamValues, TableDefinition, TaskDefinition } from '../define/definition.ts'
import { avroText } from '../define/formats/avro-format.ts'
import { isParsed, isText, type TextFormat } from '../define/formats/format-kind.ts'
import { sheetFormat } from '../define/formats/workbook-format.ts'
import type { TableFile } from '../engine/read/load-tables.ts'
import { compressionOf, withoutCompression } from '../inflate/compression.ts'
import { inflateNamed } from '../inflate/file.ts'
import { prepareTable } from '../parquet/file.ts'
import { checkEncoding, toUtf8 } from '../text/encoding.ts'
import { encodingOf } from '../text/records/dialect.ts'
import { rewriteText, textFilter } from '../text/text-filter.ts'
import { type FoundTable, findTable, type TablePiece, type TableStores } from './table-pieces.ts'

export interface FetchedTables {
  readonly files: readonly TableFile[]
  /** Hash of names and contents, or of the runs of a task's dataset. */
  readonly identity: string
}

export interface TablePlaces extends TableStores {
  /** Folder below which the files of the tables are written. */
  readonly stageFolder: string
}

/** Fetches the tables of a task. @throws NO_INPUT when a table is missing, TABLE_TOO_LARGE */
export async function fetchTables(
  places: TablePlaces,
  task: TaskDefinition,
  params: ParamValues,
): Promise<FetchedTables> {
  const folder = join(places.stageFolder, 'tables')
  await mkdir(folder, { recursive: true })
  const hash = createHash('sha256')
  const files: TableFile[] = []
  for (const [name, table] of Object.entries(task.tables)) {
    const found = await findTable(places, { task: task.name, name, table, params })
    hash.update(tableHead(name, found))
    const pieces: TableFile['pieces'][number][] = []
    let format: Format = table.format
    for (const [index, piece] of found.pieces.entries()) {
      const bytes = await piece.read()
      if (found.identity === undefined) hash.update(pieceHead(piece, found)).update(bytes)
      const place = { folder, name: index === 0 ? name : `${name}-${index}`, key: piece.key, table }
      const written = await writeTable(bytes, place)
      ;({ format } = written)
      const parquet = isText(table.format) ? undefined : prepareTable(written.file, name)
      pieces.push({ file: written.file, parquet, partition: piece.partition })
    }
    files.push({ name, format, columns: table.columns, dataset: found.dataset, pieces })
  }
  return { files, identity: hash.digest('hex') }
}

interface TablePlace {
  readonly folder: string
  readonly name: string
  readonly key: string
  readonly table: TableDefinition
}

/** Writes a table unchanged, or its inflated text in UTF-8, because the engine reads no other encoding, and of compressions only gzip and zstd. */
async function writeTable(
  bytes: Uint8Array,
  place: TablePlace,
): Promise<{ readonly file: string; readonly format: Format }> {
  const { folder, name, key, table } = place
  const { format } = table
  const encoding = isText(format) ? encodingOf(format) : 'utf-8'
  const isRewritten = isText(format) && (isParsed(format) || textFilter(format, key) !== undefined)
  const compression = compressionOf(key)
  const isReadByEngine = encoding === 'utf-8' && (!compression || compression.isReadByEngine)
  if (!isText(format) || (isReadByEngine && !isRewritten)) {
    const file = join(folder, `${name}${extname(key)}`)
    await writeFile(file, bytes)
    return { file, format }
  }
  const plain = plainFormat(format)
  const file = join(folder, `${name}${extname(withoutCompression(key))}`)
  const target = await open(file, 'w')
  try {
    let isFirst = true
    const where = `table ${name}`
    const inflated = inflateNamed(chunksOf(bytes), key, { where, detail: { table: name } })
    for await (const chunk of rewriteText(inflated, { format, name: key, errors: 'refuse' }).chunks) {
      if (isFirst) checkEncoding(chunk, encoding)
      isFirst = false
      await target.writeFile(toUtf8(chunk, encoding))
    }
  } finally {
    await target.close()
  }
  return { file, format: plain }
}

/** Returns the format of a table's text after it was rewritten. */
function plainFormat(format: TextFormat): TextFormat {
  if (format.kind === 'avro') return avroText
  if (format.kind === 'xlsx') return sheetFormat(format)
  if (format.kind === 'xml') return { kind: 'jsonLines' }
  return { ...format, encoding: 'utf-8', ...('footer' in format && { footer: 0 }) }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes)
}

const chunkBytes = 1024 * 1024

/**
 * Returns the identity of `fetchTables` without writing the tables. Memory: a few MiB, or a member of an archive.
 * @throws NO_INPUT when a table is missing, TABLE_TOO_LARGE
 */
export async function tablesIdentity(
  stores: TableStores,
  { name: task, tables }: Pick<TaskDefinition, 'name' | 'tables'>,
  params: ParamValues,
): Promise<string> {
  const hash = createHash('sha256')
  for (const [name, table] of Object.entries(tables)) {
    const found = await findTable(stores, { task, name, table, params })
    hash.update(tableHead(name, found))
    if (found.identity !== undefined) continue
    for (const piece of found.pieces) {
      hash.update(pieceHead(piece, found))
      for await (const bytes of piece.stream()) hash.update(bytes)
    }
  }
  return hash.digest('hex')
}

const tableHead = (name: string, { sizeBytes, identity }: FoundTable): string => `${name}\0${identity ?? sizeBytes}\0`

/** Tells several files apart; the name of an only one does not count. */
const pieceHead = ({ key, sizeBytes }: TablePiece, { pieces }: FoundTable): string =>
  pieces.length > 1 ? `${key}\0${sizeBytes}\0` : ''
