/** Finds out what a run would do, in the way of a run, without writing anything. */
import { type AwsEstimate, defaultPlatform, estimateOnAws } from '../../aws/estimate.ts'
import { checkLengths, groupBytesMax } from '../../aws/tier.ts'
import type { ParamValues, PipelineDefinition, TaskDefinition } from '../../define/definition.ts'
import { layoutOf } from '../../define/outputs/output-kind.ts'
import { stagesBefore, stagesOf } from '../../define/tasks/task-stages.ts'
import { FanmillError } from '../../errors/errors.ts'
import { hasCode } from '../../errors/expected.ts'
import { needsDiscovery } from '../../graph/discovered-nodes.ts'
import { requireColumns } from '../../infer/require-columns.ts'
import type { FoundInputs } from '../../inputs/find-inputs.ts'
import { inputWarnings } from '../../inputs/input-warnings.ts'
import { expectedParts, shrinkage, smallPartBytes } from '../../inputs/slices/expected-parts.ts'
import { packBatches, skew } from '../../inputs/slices/plan-slices.ts'
import { findTable, type TableStores } from '../../inputs/table-pieces.ts'
import type { Slice } from '../../model/plan-data.ts'
import { type NodeName, nodeNameOf } from '../../model/run/node-name.ts'
import type { RunReason } from '../../model/run/reason.ts'
import { bucketsOf } from '../../process/next-stage.ts'
import { engineServices } from '../../threads/engine-services.ts'
import type { RunOptions } from '../options/run-options.ts'
import { lookAtNodes, missingWarning, type NodeOutlook } from './look-at-nodes.ts'
import { openPlan, type PlanContext } from './open-plan.ts'

export interface PlanSummary {
  readonly tasks: readonly TaskPlan[]
}

/** Plan of one node: a task with its parameters. `bytes` are inflated bytes, as archives declare them; `bytesIn` are compressed bytes. */
export interface TaskPlan extends NodeName {
  readonly params: ParamValues
  /** `complete`: there is nothing to do. `due`: a run would run it. */
  readonly status: 'complete' | 'due'
  /** Why it is due. */
  readonly reasons: readonly RunReason[]
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

/**
 * Plans each task that would run: reads directories of archives, not their members, and checks SQL as a run does, once for each task,
 * with the parameters of its first node. @throws DEFINITION_*, SQL_*, PARAM_*, GRAPH_*, TASK_UNKNOWN, COLUMNS_MISSING, ZIP_*
 */
export async function planRun(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<PlanSummary> {
  const context = await openPlan(pipeline, options)
  const checked = new Map<string, 'with inputs' | 'without inputs'>()
  return { tasks: await Array.fromAsync(lookAtNodes(context), outlook => planNode(context, outlook, checked)) }
}

/** Limit on the warnings of each kind: people read a plan as a whole. */
const warningsMax = 20

async function planNode(
  { input, output, workers, options }: PlanContext,
  { task, node, upstream, status, reasons, found, warning, awaited }: NodeOutlook,
  checked: Map<string, 'with inputs' | 'without inputs'>,
): Promise<TaskPlan> {
  const { params } = node
  const stores = { ...engineServices, input, output, upstream, isUndiscovered: needsDiscovery(node) }
  const tables = await tablesOf(task, params, { stores, awaited })
  if (found) await requireColumns(input, task, found)
  const known = checked.get(task.name)
  // Without inputs, columns in paths and of datasets are unknown, so that a node with inputs is checked too.
  const isNew = !known || (found !== undefined && known === 'without inputs')
  if (layoutOf(task.output) && tables.isWhole && isNew) {
    // Imported only when it is needed: it loads an engine into this thread.
    const { checkSql } = await import('./check-sql.ts')
    await checkSql(task, params, { stores, hive: found?.hive, dataset: found?.dataset, sides: found?.sides })
    checked.set(task.name, found ? 'with inputs' : 'without inputs')
  }
  const slices = found?.cut(found.inputs) ?? []
  const batches = slices.length === 0 ? [] : packBatches(slices, { batchBytes: groupBytesMax * workers })
  const parts = expectedParts(task, batches, { threads: workers, groupBytes: groupBytesMax }).count
  // Deliberately no estimate of a sample: it would say nothing about the whole.
  const aws = found && options.sample === undefined ? estimate(task, found, slices) : {}
  return {
    ...nodeNameOf(task.name, params),
    params,
    status,
    reasons,
    ...countsOf(found),
    slices: slices.length,
    batches: batches.length,
    skew: skew(slices),
    expectedParts: parts,
    tables: tables.found,
    ...exchangesOf(task, batches, found?.firstStage),
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

function exchangesOf(task: TaskDefinition, batches: readonly (readonly Slice[])[], firstStage = 0) {
  const exchanges = stagesOf(task).flatMap(({ output }, stage): readonly PlannedExchange[] => {
    if (output.kind !== 'exchange' || stage < firstStage) return []
    const isFirst = stage === firstStage || stagesBefore(task, stage).length === 0
    // Later stages have as many as the rows before them need.
    const buckets = output.buckets ?? (isFirst ? bucketsOf(task, stage, batches) : undefined)
    return [{ by: output.by, buckets }]
  })
  return exchanges.length > 0 ? { exchanges } : {}
}

const countsOf = (found: FoundInputs | undefined) => ({
  inputs: found?.inputs.length ?? 0,
  members: found?.memberCount ?? 0,
  membersSkipped: found?.skipped.count ?? 0,
  bytes: found?.bytes ?? 0,
  bytesIn: found?.bytesIn ?? 0,
})

async function tablesOf(
  task: TaskDefinition,
  params: ParamValues,
  { stores, awaited }: { readonly stores: TableStores; readonly awaited: NodeOutlook['awaited'] },
) {
  const found: TaskPlan['tables'][number][] = []
  const warnings: string[] = []
  for (const [name, table] of Object.entries(task.tables)) {
    try {
      const { key, sizeBytes } = await findTable(stores, { task: task.name, name, table, params })
      found.push({ name, path: key, bytes: sizeBytes })
    } catch (error) {
      if (!hasCode(error, 'NO_INPUT')) throw error
      const warning = missingWarning(error, awaited)
      if (warning !== undefined) warnings.push(warning)
    }
  }
  return { found, warnings, isWhole: found.length === Object.keys(task.tables).length }
}

/** Estimates the run on AWS. Slices are cut for the workers of this machine, which differ from Lambda's for less than one batch. */
function estimate(
  task: TaskDefinition,
  { inputs, memberCount }: FoundInputs,
  slices: readonly Slice[],
): { readonly estimate?: AwsEstimate; readonly warning?: string } {
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
