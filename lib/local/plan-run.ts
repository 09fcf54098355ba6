/** What a run would do, found out as a run does it, without writing anything. */
import { type AwsEstimate, defaultPlatform, estimateOnAws } from '../aws/estimate.ts'
import { checkLengths, groupBytesMax } from '../aws/tier.ts'
import type { ParamValues, PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { sourceRoot } from '../define/source-paths.ts'
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
import { openStore } from '../store/open-store.ts'
import { defaultOutput, rootSpec } from '../store/roots.ts'
import type { Store } from '../store/store.ts'
import { defaultMemoryMb, defaultWorkers, shareMemory } from '../threads/machine.ts'
import { checkInputRoot } from './check-roots.ts'
import { loadPipelineFile } from './pipeline-file.ts'
import { ownOutputs } from './roots-apart.ts'
import type { RunOptions } from './run-options.ts'

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
  /** Members that are bad and that the source skips. */
  readonly membersSkipped: number
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
  /** The same run on AWS, as the construct deploys it by default; absent of a sample, and where nothing was found or AWS could not do it. */
  readonly aws?: AwsEstimate
}

/** Reads directories of archives, not their members, and checks SQL as a run does. @throws DEFINITION_*, SQL_*, PARAM_INVALID, TASK_UNKNOWN, COLUMNS_MISSING, ZIP_* */
export async function planRun(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<PlanSummary> {
  const definition = typeof pipeline === 'string' ? await loadPipelineFile(pipeline) : pipeline
  const chosen = options.task === undefined ? definition.tasks : [taskNamed(definition, options.task)]
  const inputSpec = rootSpec(options.input ?? '.', options)
  checkInputRoot(inputSpec)
  const input = openStore(inputSpec)
  const tasks: TaskPlan[] = []
  const outputs = ownOutputs(definition, inputSpec, rootSpec(options.output ?? defaultOutput, options))
  const output = openStore(rootSpec(options.output ?? defaultOutput, options))
  for (const task of chosen) tasks.push(await planTask(task, { input, output, outputs }, options))
  return { tasks }
}

/** Of each kind: a plan is read as a whole. */
const warningsMax = 20

async function planTask(
  task: TaskDefinition,
  { input, output, outputs }: { readonly input: Store; readonly output: Store; readonly outputs: OwnOutputs },
  options: RunOptions,
): Promise<TaskPlan> {
  const { memoryMb = defaultMemoryMb(), sample, signal } = options
  const { workers = defaultWorkers(memoryMb) } = options
  const params = readParams(task.params, options.params ?? {})
  const tables = await tablesOf(task, params, input)
  const given = {
    input: sourceRoot(task.source) === 'input' ? input : output,
    outputs,
    task,
    params,
    threads: workers,
    textBytes: shareMemory(memoryMb, workers).textBytes,
    ...(sample !== undefined && { sample }),
    ...(signal && { signal }),
  }
  // No run is made of it, so nothing needs a content hash.
  const { found, warning } = await findOrWarn({ ...given, identify: async object => object.etag })
  if (found) await requireColumns(input, task, found)
  if (task.output.kind === 'parquet' && tables.warnings.length === 0)
    await checkSqlOf(task, params, { input, hive: found?.hive })
  const slices = found?.cut(found.inputs) ?? []
  const batches = slices.length === 0 ? [] : packBatches(slices, { batchBytes: groupBytesMax * workers })
  const parts = expectedParts(task, batches, { threads: workers, groupBytes: groupBytesMax }).count
  // What a sample costs says nothing of the rest.
  const aws = found && sample === undefined ? estimate(task, found, slices) : {}
  return {
    task: task.name,
    params,
    archives: found?.inputs.length ?? 0,
    members: found?.memberCount ?? 0,
    membersSkipped: found?.skipped.count ?? 0,
    bytes: found?.bytes ?? 0,
    bytesIn: found?.bytesIn ?? 0,
    slices: slices.length,
    batches: batches.length,
    skew: skew(slices),
    expectedParts: parts,
    tables: tables.found,
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

/** Loaded only here: it brings an engine into this thread. */
async function checkSqlOf(...given: Parameters<typeof import('./check-sql.ts').checkSql>): Promise<void> {
  const { checkSql } = await import('./check-sql.ts')
  await checkSql(...given)
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

interface OnAws {
  readonly estimate?: AwsEstimate
  readonly warning?: string
}

/** Slices are cut for the workers of this machine: Lambda's differ where there is less than one batch. */
function estimate(task: TaskDefinition, { inputs, memberCount }: FoundInputs, slices: readonly Slice[]): OnAws {
  try {
    checkLengths(slices, { inputs, task, tiers: defaultPlatform.tiers })
  } catch (error) {
    if (error instanceof FanmillError) return { warning: `on AWS: ${error.code} ${error.message}` }
    throw error
  }
  return { estimate: estimateOnAws({ task, slices, objects: inputs.length, memberCount }) }
}

function sizeWarnings(task: TaskDefinition, bytes: number, parts: number): string[] {
  const { output } = task
  if (output.kind === 'memberFiles' || parts === 0) return []
  const total = bytes / shrinkage(task)
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
