/** Finds out what a run would do, in the way of a run, without writing anything. */
import { type AwsEstimate, defaultPlatform, estimateOnAws } from '../aws/estimate.ts'
import { checkLengths, groupBytesMax } from '../aws/tier.ts'
import type { ParamValues, PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { layoutOf } from '../define/output-kind.ts'
import { sourceRoot } from '../define/source-paths.ts'
import { stagesOf } from '../define/task-stages.ts'
import { FanmillError } from '../errors/errors.ts'
import { requireColumns } from '../infer/require-columns.ts'
import { expectedParts, shrinkage, smallPartBytes } from '../inputs/expected-parts.ts'
import { type FoundInputs, findInputs } from '../inputs/find-inputs.ts'
import { inputWarnings } from '../inputs/input-warnings.ts'
import type { OwnOutputs } from '../inputs/own-outputs.ts'
import { packBatches, skew } from '../inputs/plan-slices.ts'
import { findTable } from '../inputs/tables.ts'
import { readParams } from '../model/param-values.ts'
import type { Slice } from '../model/plan-data.ts'
import { taskNamed } from '../model/resolve-task.ts'
import { renderPath } from '../paths/path-template.ts'
import { bucketsOf } from '../process/next-stage.ts'
import { openStore } from '../store/open-store.ts'
import { defaultOutput, rootSpec } from '../store/roots.ts'
import type { Store } from '../store/store.ts'
import { defaultMemoryMb, defaultWorkers, shareMemory } from '../threads/machine.ts'
import { neededPartitions } from '../threads/needed-partitions.ts'
import { checkInputRoot } from './check-roots.ts'
import { checkpointFiles } from './delta-checkpoints.ts'
import { outputRoot } from './output-root.ts'
import { loadPipelineFile } from './pipeline-file.ts'
import { ownOutputs } from './roots-apart.ts'
import type { RunOptions } from './run-options.ts'

export interface PlanSummary {
  readonly tasks: readonly TaskPlan[]
}

/** Plan of one task. `bytes` are inflated bytes, as archives declare them; `bytesIn` are compressed bytes. */
export interface TaskPlan {
  readonly task: string
  readonly params: ParamValues
  /** Number of archives or files that are read. */
  readonly inputs: number
  readonly members: number
  /** Number of bad members that the source skips. */
  readonly membersSkipped: number
  readonly bytes: number
  readonly bytesIn: number
  readonly slices: number
  readonly batches: number
  /** Bytes of the largest slice divided by the mean. */
  readonly skew: number
  /** Estimate from the usual size of Parquet; for a partitioned output the most that each partition can have. */
  readonly expectedParts: number
  readonly tables: readonly { readonly name: string; readonly path: string; readonly bytes: number }[]
  /** The exchanges between the stages of the task, in order; absent for a task of one stage. */
  readonly exchanges?: readonly PlannedExchange[]
  readonly warnings: readonly string[]
  /** Estimate of the same run on AWS with the construct's defaults; undefined for a sample, when nothing was found, and when AWS cannot run it. */
  readonly aws?: AwsEstimate
}

/** Rows that are brought together by key, between two stages of a task. */
export interface PlannedExchange {
  readonly by: readonly string[]
  /** Undefined after the first, where it depends on the rows before it. */
  readonly buckets?: number | undefined
}

/** Plans each task: reads directories of archives, not their members, and checks SQL as a run does. @throws DEFINITION_*, SQL_*, PARAM_INVALID, TASK_UNKNOWN, COLUMNS_MISSING, ZIP_* */
export async function planRun(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<PlanSummary> {
  const definition = typeof pipeline === 'string' ? await loadPipelineFile(pipeline) : pipeline
  const chosen = options.task === undefined ? definition.tasks : [taskNamed(definition, options.task)]
  const inputSpec = rootSpec(options.input ?? '.', options)
  checkInputRoot(inputSpec)
  const input = openStore(inputSpec)
  const tasks: TaskPlan[] = []
  const outputs = ownOutputs(definition, inputSpec, rootSpec(options.output ?? defaultOutput, options))
  const stores = { input, output: openStore(outputRoot(options)) }
  for (const task of chosen) tasks.push(await planTask(task, { stores, outputs }, options))
  return { tasks }
}

/** Limit on the warnings of each kind: people read a plan as a whole. */
const warningsMax = 20

async function planTask(
  task: TaskDefinition,
  { stores, outputs }: { readonly stores: Readonly<Record<'input' | 'output', Store>>; readonly outputs: OwnOutputs },
  options: RunOptions,
): Promise<TaskPlan> {
  const { memoryMb = defaultMemoryMb(), sample, signal } = options
  const { workers = defaultWorkers(memoryMb) } = options
  const params = readParams(task.params, options.params ?? {})
  const { input } = stores
  const tables = await tablesOf(task, params, input)
  const given = {
    input: stores[sourceRoot(task.source)],
    neededPartitions,
    checkpoints: checkpointFiles,
    outputs,
    task,
    params,
    threads: workers,
    textBytes: shareMemory(memoryMb, workers).textBytes,
    sample,
    signal,
  }
  // Deliberately the etag, because a content hash, which reads the file, is needed only for a run.
  const { found, warning } = await findOrWarn({ ...given, identify: async object => object.etag })
  if (found) await requireColumns(input, task, found)
  if (layoutOf(task.output) && tables.warnings.length === 0)
    await checkSqlOf(task, params, { input, hive: found?.hive, dataset: found?.dataset })
  const slices = found?.cut(found.inputs) ?? []
  const batches = slices.length === 0 ? [] : packBatches(slices, { batchBytes: groupBytesMax * workers })
  const parts = expectedParts(task, batches, { threads: workers, groupBytes: groupBytesMax }).count
  // Deliberately no estimate of a sample: it would say nothing about the whole.
  const aws = found && sample === undefined ? estimate(task, found, slices) : {}
  return {
    task: task.name,
    params,
    inputs: found?.inputs.length ?? 0,
    members: found?.memberCount ?? 0,
    membersSkipped: found?.skipped.count ?? 0,
    bytes: found?.bytes ?? 0,
    bytesIn: found?.bytesIn ?? 0,
    slices: slices.length,
    batches: batches.length,
    skew: skew(slices),
    expectedParts: parts,
    tables: tables.found,
    ...exchangesOf(task, batches),
    warnings: [
      ...(warning ? [warning] : []),
      ...(found ? inputWarnings(found, warningsMax) : []).map(line => line.message),
      ...tables.warnings,
      ...sizeWarnings(task, found?.bytes ?? 0, parts),
      ...(aws.warning ? [aws.warning] : []),
    ],
    ...(aws.estimate && { aws: aws.estimate }),
  }
}

function exchangesOf(
  task: TaskDefinition,
  batches: readonly (readonly Slice[])[],
): { readonly exchanges?: readonly PlannedExchange[] } {
  const exchanges = stagesOf(task).flatMap(({ output }, stage) => {
    if (output.kind !== 'exchange') return []
    return [{ by: output.by, buckets: output.buckets ?? (stage === 0 ? bucketsOf(task, 0, batches) : undefined) }]
  })
  return exchanges.length > 0 ? { exchanges } : {}
}

/** Imports the check only when it is needed: it loads an engine into this thread. */
async function checkSqlOf(...given: Parameters<typeof import('./check-sql.ts').checkSql>): Promise<void> {
  const { checkSql } = await import('./check-sql.ts')
  await checkSql(...given)
}

/** Returns NO_INPUT as a warning: a plan shows what a run would find. */
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

interface EstimateResult {
  readonly estimate?: AwsEstimate
  readonly warning?: string
}

/** Estimates the run on AWS. Slices are cut for the workers of this machine, which differ from Lambda's for less than one batch. */
function estimate(
  task: TaskDefinition,
  { inputs, memberCount }: FoundInputs,
  slices: readonly Slice[],
): EstimateResult {
  try {
    checkLengths(slices, { inputs, task, tiers: defaultPlatform.tiers })
  } catch (error) {
    if (error instanceof FanmillError) return { warning: `on AWS: ${error.code} ${error.message}` }
    throw error
  }
  return { estimate: estimateOnAws({ task, slices, objects: inputs.length, memberCount }) }
}

function sizeWarnings(task: TaskDefinition, bytes: number, parts: number): string[] {
  const layout = layoutOf(task.output)
  if (!layout || parts === 0) return []
  const total = bytes / shrinkage(task)
  const most = Math.floor(total / smallPartBytes)
  if (layout.partitionBy.length > 0 && most >= 1 && most < layout.partitionsMax)
    return [
      `more than ${most} partitions of ${layout.partitionBy.join(', ')} would make parts below 8 MB on average; partition by a coarser column then`,
    ]
  if (parts < 2 || total / parts >= smallPartBytes) return []
  return [
    `parts would be ${(total / parts / 1e6).toFixed(1)} MB on average, below 8 MB: readers open many small files; use fewer workers`,
  ]
}
