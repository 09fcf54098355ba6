/** Shows the first rows of a task, from the beginning of its first input, without writing into output or state. */

import { headAt } from '../../datasets/dataset.ts'
import type { PipelineDefinition, RowsFromSource, StepDefinition, TaskDefinition } from '../../define/definition.ts'
import { parquet } from '../../define/outputs/output.ts'
import { layoutOf, outputKind } from '../../define/outputs/output-kind.ts'
import { sourceRoot } from '../../define/sources/source-paths.ts'
import { isExchanging } from '../../define/tasks/task-stages.ts'
import { PermanentError } from '../../errors/errors.ts'
import { nothingFor } from '../../errors/expected.ts'
import { needsDiscovery } from '../../graph/discovered-nodes.ts'
import type { GraphNode } from '../../graph/graph.ts'
import { upstreamNodes } from '../../graph/upstream-nodes.ts'
import { type FoundInputs, findInputs } from '../../inputs/find-inputs.ts'
import type { Reject } from '../../model/outcome/reject.ts'
import { nodeNameOf } from '../../model/run/node-name.ts'
import { taskNamed } from '../../model/run/resolve-task.ts'
import { typeName } from '../../model/type-names.ts'
import { firstGroupPart } from '../../process/share/stream-pieces.ts'
import { rootSpec } from '../../store/roots.ts'
import { engineServices } from '../../threads/engine-services.ts'
import { environmentSecrets } from '../../threads/secrets.ts'
import { type LogMessage, type MemoryResult, runInMemory } from '../memory-run.ts'
import type { RunOptions } from '../options/run-options.ts'
import { openPlan, type PlanContext } from '../plans/open-plan.ts'
import { type FirstSlice, firstPiece, firstSlice } from './first-slice.ts'

export interface PreviewOptions extends Pick<RunOptions, 'params' | 'input' | 'output' | 'profile' | 'region'> {
  /** Name of the task, such as `flights`. */
  readonly task: string
  /** How many rows, such as `50`; default 20. */
  readonly rows?: number
  /** Shows the rows after this step of the transform, `0` as they are read; default after all. */
  readonly step?: number
}

export interface Preview {
  /** The task with its parameters. */
  readonly node: string
  /** The step after which the rows are shown, and how many there are. */
  readonly step: number
  readonly steps: number
  /** The columns, with types as definitions name them. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Values as the engine prints them; null for a null. */
  readonly rows: readonly (readonly (string | null)[])[]
  /** Records that were read, and how many of them are rejects. */
  readonly recordsRead: number
  readonly recordsRejected: number
  /** The first rejects, at most as many as rows were requested. */
  readonly rejects: readonly Reject[]
  /** The input that was read: an archive or file, and a member of it. Absent where there is nothing to read. */
  readonly place?: FirstSlice['place']
  /** Whether all of it was read. */
  readonly isWhole: boolean
  /** Differences from a run. */
  readonly notes: readonly string[]
  readonly logs: readonly LogMessage[]
  /** Absolute paths of the sources of the pipeline. */
  readonly files: readonly string[]
}

/** Text that is read at first, and when it gives fewer rows than requested. */
const textBytesTried = [256 * 1024, 8 * 1024 * 1024] as const
/** Rows of a partition that the user's function yields. */
const yieldedMax = 1000
/** Archives or files that are looked at: only one is read, and the others may have no member for the task. */
const objectsMax = 16

/** Returns the first rows of a task. @throws as `planRun`, and as a run of the task; USAGE for a task without rows, and a step that it does not have */
export async function preview(pipeline: PipelineDefinition | string, options: PreviewOptions): Promise<Preview> {
  const context = await openPlan(pipeline, options)
  const task = taskNamed(context.definition, options.task)
  const requested = context.graph.nodes.find(({ key }) => key === context.graph.requested[0]) as GraphNode
  const step = checkStep(task, options.step)
  const transform = task.transform.slice(0, step)
  const shown = { ...task, transform, output: parquet({ path: 'preview' }), source: beginning(task) }
  const { params } = requested
  const upstream = upstreamNodes(context.graph)(requested)
  const bound = { task: shown, params, upstream, isUndiscovered: needsDiscovery(requested) }
  const first = firstSlice(await findFirst(context, bound), task)
  const read = await readRows(context, { ...first, ...bound, rows: options.rows ?? 20 })
  return {
    node: nodeNameOf(task.name, params).node,
    ...{ step, steps: task.transform.length },
    ...read,
    place: first.place,
    notes: notesOf(task, transform, first),
    files: context.files,
  }
}

/** @throws USAGE */
function checkStep({ name, transform, output }: TaskDefinition, step = transform.length): number {
  if (!layoutOf(output)) {
    const message = `task ${name}: expected a task with rows, got one that extracts members as they are; fanmill plan shows what it reads`
    throw new PermanentError('USAGE', message)
  }
  if (step <= transform.length) return step
  const message = `step: expected a number from 0 to ${transform.length}, the steps of task ${name}, got ${step}`
  throw new PermanentError('USAGE', message, { task: name, step, steps: transform.length })
}

/** Returns the source, of which a function of the user yields only the first rows. */
function beginning({ source }: TaskDefinition): TaskDefinition['source'] {
  if (source.kind !== 'rowsFrom') return source
  const rows: RowsFromSource['rows'] = async function* (partition, context) {
    let count = 0
    for await (const row of source.rows(partition, context)) {
      yield row
      if (++count >= yieldedMax) return
    }
  }
  return { ...source, rows }
}

type Bound = Pick<Parameters<typeof findInputs>[0], 'params' | 'upstream' | 'isUndiscovered'> & {
  readonly task: TaskDefinition
}

/** Looks at the first archives or files, and at all of them only where those give nothing. */
async function findFirst(context: PlanContext, bound: Bound): Promise<FoundInputs> {
  const options = {
    ...{ ...engineServices, ...bound, outputs: context.outputs },
    input: context[sourceRoot(bound.task.source)],
    roots: context,
    // Nothing is remembered of an input, so that its content need not be read.
    identify: async ({ etag }: { readonly etag: string }) => etag,
  }
  const found = await findInputs({ ...options, objectsMax }).catch(nothingFor('NO_INPUT'))
  return found ?? findInputs(options)
}

interface Reading extends Bound {
  readonly found: FoundInputs
  readonly rows: number
}

type Read = Awaited<ReturnType<typeof shownRows>> & Pick<Preview, 'isWhole'>

/** Reads a little text, and more where it gives too few rows. */
async function readRows(context: PlanContext, reading: Reading): Promise<Read> {
  const [few, many] = textBytesTried
  // A record may be longer than the text that is read.
  const first = await readText(context, reading, few).catch(nothingFor('DISK_FULL'))
  return first && (first.isWhole || first.rows.length >= reading.rows) ? first : readText(context, reading, many)
}

async function readText(
  { input, options }: PlanContext,
  { task, params, found, rows: rowsMax }: Reading,
  textBytes: number,
): Promise<Read> {
  let isWhole = task.source.kind !== 'rowsFrom'
  const root = sourceRoot(task.source)
  const result = await runInMemory({
    ...{ task, params },
    groupBytes: textBytes / firstGroupPart,
    input: rootSpec(options[root] ?? (root === 'input' ? '.' : 'out'), options),
    tables: input,
    find: async () => found,
    thread: { secrets: environmentSecrets(task), firstRowGroup: true },
    changeTools: ({ stream }) => ({
      stream: (slice, object) =>
        firstPiece(stream(slice, object), whole => {
          isWhole = whole
        }),
    }),
  })
  return { ...(await shownRows(result, rowsMax)), isWhole }
}

async function shownRows({ output, outputPath, manifest, rejects, logs }: MemoryResult, rowsMax: number) {
  const { rowsRead, rowsRejected } = manifest.totals
  const { rows } = await headAt({ store: output, outputPath }, { rows: rowsMax })
  return {
    columns: manifest.schema.map(({ name, type }) => ({ name, type: typeName(type) })),
    rows,
    recordsRead: rowsRead + rowsRejected,
    recordsRejected: rowsRejected,
    rejects: rejects.slice(0, rowsMax),
    logs,
  }
}

/** Says what differs from a run. */
function notesOf(task: TaskDefinition, steps: readonly StepDefinition[], { place }: FirstSlice): readonly string[] {
  const exchanging = steps.filter(isExchanging).map(({ kind, by }) => `${kind} by ${by.join(', ')}`)
  return [
    ...(place ? [] : ['there is nothing to read for these parameters']),
    ...exchanging.map(step => `${step}: over the records that were read here, so that a run has other rows`),
    ...(task.source.kind === 'joinOf'
      ? ['one part of each side was joined, so that rows of the other parts are missing']
      : []),
    ...(outputKind(task.output).delivery ? ['the rows are not given to the function of the sink'] : []),
    ...(task.source.kind === 'rowsFrom' ? [`at most ${yieldedMax} rows of the first partition were read`] : []),
    ...(task.source.kind === 'items' ? ['only the first value was mapped'] : []),
  ]
}
