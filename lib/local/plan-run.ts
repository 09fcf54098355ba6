/** What a run would do, found out as a run does it, without writing anything. */
import { FanmillError } from '../core/errors.ts'
import { readParams } from '../core/param-values.ts'
import { renderPath } from '../core/path-template.ts'
import type { Slice } from '../core/plan-data.ts'
import { packBatches, skew, splitShares } from '../core/plan-slices.ts'
import { taskNamed } from '../core/resolve-task.ts'
import type { Store } from '../core/store.ts'
import type { ParamValues, PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { openStore } from '../io/open-store.ts'
import { type FoundInputs, findInputs } from '../steps/find-inputs.ts'
import { defaultWorkers } from './machine.ts'
import type { RunOptions } from './options.ts'
import { loadPipelineFile } from './pipeline-file.ts'
import { requireColumns } from './require-columns.ts'
import { rootSpec } from './roots.ts'
import { groupBytesMax } from './session.ts'
import { findTable } from './tables.ts'

export interface PlanSummary {
  readonly tasks: readonly TaskPlan[]
}

/** `bytes` are inflated, as declared; `bytesIn` compressed. */
export interface TaskPlan {
  readonly task: string
  readonly params: ParamValues
  /** Objects that are read: archives or files. */
  readonly archives: number
  readonly members: number
  readonly bytes: number
  readonly bytesIn: number
  readonly slices: number
  readonly batches: number
  /** Bytes of the largest slice over the mean. */
  readonly skew: number
  /** From the usual size of Parquet; of a partitioned output as many for each partition at most. */
  readonly expectedParts: number
  readonly tables: readonly { readonly name: string; readonly path: string; readonly bytes: number }[]
  readonly warnings: readonly string[]
}

/** Reads directories of archives, not their members. @throws DEFINITION_*, PARAM_INVALID, TASK_UNKNOWN, COLUMNS_MISSING, ZIP_* */
export async function planRun(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<PlanSummary> {
  const definition = typeof pipeline === 'string' ? await loadPipelineFile(pipeline) : pipeline
  const chosen = options.task === undefined ? definition.tasks : [taskNamed(definition, options.task)]
  const input = openStore(rootSpec(options.input ?? '.', options))
  const tasks: TaskPlan[] = []
  for (const task of chosen) tasks.push(await planTask(task, input, options))
  return { tasks }
}

async function planTask(task: TaskDefinition, input: Store, options: RunOptions): Promise<TaskPlan> {
  const { workers = defaultWorkers(), sample, signal } = options
  const params = readParams(task.params, options.params ?? {})
  const tables = await tablesOf(task, params, input)
  const given = {
    input,
    task,
    params,
    threads: workers,
    ...(sample !== undefined && { sample }),
    ...(signal && { signal }),
  }
  // No run is made of it, so nothing needs a content hash.
  const { found, warning } = await findOrWarn({ ...given, identify: async object => object.etag })
  if (found) await requireColumns(input, task, found)
  const slices = found?.cut(found.inputs) ?? []
  const batches = slices.length === 0 ? [] : packBatches(slices, { batchBytes: groupBytesMax * workers })
  const expectedParts = partsOf(task, batches, workers)
  return {
    task: task.name,
    params,
    archives: found?.inputs.length ?? 0,
    members: found?.memberCount ?? 0,
    bytes: found?.bytes ?? 0,
    bytesIn: found?.bytesIn ?? 0,
    slices: slices.length,
    batches: batches.length,
    skew: skew(slices),
    expectedParts,
    tables: tables.found,
    warnings: [
      ...(warning ? [warning] : []),
      ...tables.warnings,
      ...sizeWarnings(task, found?.bytes ?? 0, expectedParts),
    ],
  }
}

/** Nothing found is what the user asked to be told. */
async function findOrWarn(
  options: Parameters<typeof findInputs>[0],
): Promise<{ readonly found?: FoundInputs; readonly warning?: string }> {
  try {
    return { found: await findInputs(options) }
  } catch (error) {
    if (error instanceof FanmillError && error.code === 'NO_INPUT') return { warning: `NO_INPUT ${error.message}` }
    throw error
  }
}

async function tablesOf(task: TaskDefinition, params: ParamValues, input: Store) {
  const found: TaskPlan['tables'][number][] = []
  const warnings: string[] = []
  for (const [name, { path }] of Object.entries(task.tables)) {
    const key = renderPath(path, params)
    try {
      found.push({ name, path: key, bytes: (await findTable(input, { task: task.name, name, key })).sizeBytes })
    } catch (error) {
      if (!(error instanceof FanmillError) || error.code !== 'NO_INPUT') throw error
      warnings.push(`NO_INPUT ${error.message}`)
    }
  }
  return { found, warnings }
}

/** Bytes of text that make one of Parquet: seen between 4 and 5 with zstd and snappy alike. */
const textPerParquet = 4.5
/** Parts below it are joined; readers spend more on opening such files than on reading them. */
const smallPartBytes = 8 * 1024 * 1024

/** As process writes them: a part a group of each thread, small ones of a batch joined. */
function partsOf({ output, source }: TaskDefinition, batches: readonly (readonly Slice[])[], workers: number): number {
  if (output.kind === 'memberFiles') return 0
  const perByte = source.format?.kind === 'parquet' ? 1 : textPerParquet
  return batches.reduce((sum, slices) => {
    const groups = splitShares(slices, workers).flatMap(share => groupSizes(bytesOf(share)))
    const small = groups.filter(bytes => bytes / perByte < smallPartBytes)
    const joined = Math.ceil(small.reduce((bytes, group) => bytes + group / perByte, 0) / output.partBytes)
    return sum + groups.length - small.length + Math.max(joined, small.length > 0 ? 1 : 0)
  }, 0)
}

function groupSizes(bytes: number): number[] {
  const count = Math.max(1, Math.ceil(bytes / groupBytesMax))
  return Array.from({ length: count }, () => bytes / count)
}

const bytesOf = (slices: readonly Slice[]): number => slices.reduce((sum, slice) => sum + slice.bytes, 0)

function sizeWarnings({ output, source }: TaskDefinition, bytes: number, parts: number): string[] {
  if (output.kind === 'memberFiles' || parts === 0) return []
  const perByte = source.format?.kind === 'parquet' ? 1 : textPerParquet
  const total = bytes / perByte
  const most = Math.floor(total / smallPartBytes)
  if (output.partitionBy.length > 0 && most >= 1 && most < output.partitionsMax)
    return [
      `more than ${most} partitions of ${output.partitionBy.join(', ')} would make parts below 8 MB on average; partition by something coarser then`,
    ]
  if (parts < 2 || total / parts >= smallPartBytes) return []
  return [
    `parts would be ${(total / parts / 1e6).toFixed(1)} MB on average, below 8 MB: readers open many small files; give fewer workers`,
  ]
}
