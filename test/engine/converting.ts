/** Runs a task's work in this process: real files, staged and converted by a real engine, read back apart from it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Columns, ParamValues, StepDefinition, TaskDefinition } from '../../lib/define/definition.ts'
import { csv, files, parquet } from '../../lib/define/index.ts'
import {
  mapBatches as buildMapBatches,
  mapRows as buildMapRows,
  type MapOptions,
} from '../../lib/define/steps/steps.ts'
import { taskWithSteps } from '../../lib/define/tasks/task.ts'
import type { AnyTaskOptions } from '../../lib/define/tasks/task-options.ts'
import type { TableFile } from '../../lib/engine/read/load-tables.ts'
import { findInputs } from '../../lib/inputs/find-inputs.ts'
import { splitShares } from '../../lib/inputs/slices/plan-slices.ts'
import type { Reject } from '../../lib/model/outcome/reject.ts'
import type { InputObject, Slice } from '../../lib/model/plan-data.ts'
import type { MemberAccount, SharePart, ShareResult } from '../../lib/model/share.ts'
import type { WorkerMessage } from '../../lib/model/worker-job.ts'
import { prepareTable } from '../../lib/parquet/file.ts'
import type { MemoryStore } from '../../lib/store/memory-store.ts'
import { openStore } from '../../lib/store/open-store.ts'
import { partitionSetFor } from '../../lib/threads/pool/task-workers.ts'
import { openThread } from '../../lib/threads/worker/worker-thread.ts'

export type Inputs = Readonly<Record<string, string | Uint8Array>>

export interface Conversion {
  readonly inputs?: Inputs
  /** Files of broadcast tables, by the table's name. */
  readonly tables?: Readonly<Record<string, { readonly name: string; readonly content: string | Uint8Array }>>
  readonly params?: ParamValues
  readonly groupBytes?: number
  readonly shares?: number
  readonly engineBytes?: number
  /** Limit on the bytes of a stage; default 1e9. */
  readonly stageBytesMax?: number
  /** An empty store for the inputs; default a folder. */
  readonly store?: MemoryStore
  /** Bytes that a key leaves for folders; default as many as there are. */
  readonly folderBytesMax?: number
}

export interface ConversionResult {
  readonly rows: readonly Readonly<Record<string, string | null>>[]
  readonly schema: ShareResult['schema']
  readonly parts: readonly SharePart[]
  readonly rejects: readonly Reject[]
  readonly results: readonly CheckedResult[]
  readonly messages: readonly WorkerMessage[]
}

/** A task over every file of the input root, with defaults for all that a test does not care about. */
export function taskOf({ transform = [], ...options }: TestTaskOptions = {}): TaskDefinition {
  const source = files({ paths: '**/*', format: csv() })
  const given = { name: 'tested', source, output: parquet({ path: 'out' }), ...options }
  return taskWithSteps(given, [transform].flat() as StepDefinition[]) as TaskDefinition
}

/** Options of a task, and its steps as data, in order. */
export interface TestTaskOptions extends Partial<AnyTaskOptions> {
  readonly transform?: StepDefinition | readonly StepDefinition[]
}

type MapFunction = (
  // biome-ignore lint/suspicious/noExplicitAny: tests of the engine know what their functions get
  ...given: any[]
) => unknown

/** A `mapRows` step as data. */
export const mapRows = (map: MapFunction, options?: MapOptions<Columns>) => buildMapRows(map, options)

/** A `mapBatches` step as data. */
export const mapBatches = (map: MapFunction, options?: MapOptions<Columns>) => buildMapBatches(map, options)

const reader = await DuckDBInstance.create(':memory:', { threads: '1' })
const connection = await reader.connect()
await connection.run("SET TimeZone = 'UTC'")

/** Runs a task and returns its rows in the order of the parts, every value as the engine prints it. */
export async function convertTask(definition: TaskDefinition, given: Conversion): Promise<ConversionResult> {
  return withFolder(async folder => {
    const messages: WorkerMessage[] = []
    const results = await runShares(definition, given, { folder, messages })
    const parts = results.flatMap(result => result.parts)
    const rejects = await rowsOf(results.flatMap(result => result.rejectFiles))
    return {
      rows: await rowsOf(parts.map(part => part.file)),
      schema: results[0]?.schema ?? [],
      parts,
      rejects: rejects.map(
        row => ({ ...row, line: Number(row.line), record: Number(row.record) }) as unknown as Reject,
      ),
      results,
      messages,
    }
  })
}

/** Runs the shares of a task and passes their results to `use` before the files are removed. */
export async function withShares<T>(
  definition: TaskDefinition,
  given: Conversion,
  use: (results: readonly CheckedResult[], folder: string) => Promise<T>,
): Promise<T> {
  return withFolder(async folder => use(await runShares(definition, given, { folder, messages: [] }), folder))
}

/** Rows of Parquet files, every value as text. @param columns expressions of SQL; default all columns */
export async function rowsOf(
  paths: readonly string[],
  columns = '*',
): Promise<Readonly<Record<string, string | null>>[]> {
  const rows: Readonly<Record<string, string | null>>[] = []
  for (const path of paths) {
    const result = await connection.runAndReadAll(
      `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (SELECT ${columns} FROM read_parquet('${path.replaceAll("'", "''")}', hive_partitioning = false))`,
    )
    rows.push(...(result.getRowObjects() as Readonly<Record<string, string | null>>[]))
  }
  return rows
}

/** Writes the rows of a query to Parquet with another engine than the one under test, and returns the bytes. */
export async function parquetOf(sql: string): Promise<Uint8Array> {
  return withFolder(async folder => {
    await connection.run(`COPY (${sql}) TO '${folder}/made.parquet' (FORMAT parquet)`)
    const { readFile } = await import('node:fs/promises')
    return readFile(`${folder}/made.parquet`)
  })
}

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-engine-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A share's result with its accounts read back. */
type CheckedResult = ShareResult & { readonly accounts: readonly MemberAccount[] }

async function runShares(
  definition: TaskDefinition,
  given: Conversion,
  { folder, messages }: { readonly folder: string; readonly messages: WorkerMessage[] },
): Promise<CheckedResult[]> {
  const { params = {}, groupBytes = 1e8, shares = 1, engineBytes = 512 * 1024 * 1024, stageBytesMax = 1e9 } = given
  for (const name of ['in', 'stage', 'parts', 'tables']) mkdirSync(join(folder, name))
  for (const [key, content] of Object.entries(given.inputs ?? {}))
    if (given.store) await given.store.write(key, Buffer.from(content as Uint8Array))
    else writeUnder(join(folder, 'in', key), content)
  const input = given.store ?? openStore({ kind: 'disk', folder: join(folder, 'in') })
  const found = await findInputs({ input, task: definition, params })
  const slices = found.cut(found.inputs)
  const setup = {
    params,
    input,
    tables: tablesIn(folder, definition, given),
    stageFolder: join(folder, 'stage'),
    partFolder: join(folder, 'parts'),
    engineBytes,
    stageBytesMax,
  }
  const { folderBytesMax = Number.POSITIVE_INFINITY } = given
  const partitionLimits = { folderBytesMax, seen: partitionSetFor(definition) }
  const results: CheckedResult[] = []
  const parted = slices.length > 0 ? splitShares(slices, shares) : [[]]
  for (const [index, share] of parted.entries()) {
    const thread = await openThread(definition, setup, message => messages.push(message))
    try {
      const job = {
        kind: 'share',
        slices: share,
        inputs: inputsOf(share, found.inputs),
        target: join(folder, 'parts', `s${index}`),
        groupBytes,
        partitionLimits,
      } as const
      const result = await thread.run<'share'>(job)
      results.push({ ...result, accounts: await accountsIn(result.accountFiles) })
    } finally {
      thread.close()
    }
  }
  return results
}

/** Reads the accounts that the groups of a share wrote. */
async function accountsIn(files: readonly string[]): Promise<MemberAccount[]> {
  const reader = await connection.runAndReadAll(`from read_parquet([${files.map(file => `'${file}'`).join(', ')}])`)
  const rows = reader.getRowObjectsJS() as unknown as readonly MemberAccount[]
  return rows.map(row => ({ ...row, records: Number(row.records), rejected: Number(row.rejected) }))
}

const inputsOf = (slices: readonly Slice[], inputs: readonly InputObject[]): Record<number, InputObject> =>
  Object.fromEntries(slices.map(slice => [slice.input, inputs[slice.input] as InputObject]))

function tablesIn(folder: string, definition: TaskDefinition, given: Conversion): TableFile[] {
  return Object.entries(given.tables ?? {}).map(([name, { name: fileName, content }]) => {
    const file = join(folder, 'tables', fileName)
    writeUnder(file, content)
    const table = definition.tables[name]
    if (!table) throw new Error(`no table ${name} in the task`)
    const isParquet = table.format.kind === 'parquet'
    const parquet = isParquet ? prepareTable(file, name) : undefined
    return {
      ...{ name, format: table.format, pieces: [{ file, parquet }] },
      ...(table.columns && { columns: table.columns }),
    }
  })
}

function writeUnder(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
