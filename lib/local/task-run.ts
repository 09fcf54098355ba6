/** Runs one task on this machine: finds out whether it is complete already, and opens its threads where it is not. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { groupBytesMax } from '../aws/tier.ts'
import { hiveNamesOf } from '../define/columns/hive-names.ts'
import type { TaskDefinition } from '../define/definition.ts'
import { layoutOf } from '../define/outputs/output-kind.ts'
import { sourceRoot } from '../define/sources/source-paths.ts'
import { stagesOf } from '../define/tasks/task-stages.ts'
import { requireColumns } from '../infer/require-columns.ts'
import { type FoundInputs, findInputs } from '../inputs/find-inputs.ts'
import { requiredIdentities } from '../inputs/identity/upstream-identity.ts'
import { fetchTables } from '../inputs/tables.ts'
import { shortHash } from '../model/run/identity.ts'
import { nodeIdOf, nodeNameOf } from '../model/run/node-name.ts'
import { type FoundColumns, stageColumns } from '../model/stage-columns.ts'
import type { WorkerResults, Workers } from '../model/worker-job.ts'
import { createGate } from '../process/share/gate.ts'
import { engineServices } from '../threads/engine-services.ts'
import { deliveryLimitFor, openTaskWorkers, partitionSetFor } from '../threads/pool/task-workers.ts'
import { environmentSecrets, type SecretValues } from '../threads/secrets.ts'
import { type CompleteTask, checkPlace, findOptions, lookForComplete } from './complete-already.ts'
import { engineThreadsOf, isEngineAlone } from './engine-threads.ts'
import { runFound, warnOfInputs } from './found-run.ts'
import { headStart } from './head-start.ts'
import { createProgress } from './log/progress.ts'
import { createTaskLog } from './log/task-log.ts'
import { openThreads } from './open-threads.ts'
import type { Session } from './session.ts'
import type { BegunTask, TaskEnd, TaskNode } from './task-context.ts'
import { resultOf } from './task-result.ts'

/** Runs a task. A run that fails is a result with `error`. @throws when the definition, the parameters or the machine are wrong */
export async function runTask(session: Session, node: TaskNode): Promise<TaskEnd> {
  const started = performance.now()
  const { task, params } = node
  const places = tablePlaces(session, node)
  const tables = await fetchTables(places, task, params)
  const name = nodeNameOf(task.name, params)
  const log = createTaskLog(session, name)
  const progress = createProgress(session, name, log)
  progress.enter('plan')
  try {
    const required = await requiredIdentities(session, task, node)
    const begun: BegunTask = { session, ...node, required, tables, progress, log, started }
    const known = await lookForComplete(begun)
    if (known.status === 'complete') return skip(begun, known)
    await checkPlace(begun, known)
    return await runBegun(begun, known.found)
  } finally {
    await log.end()
    await rm(places.stageFolder, { recursive: true, force: true })
  }
}

/** Opens the threads while inputs are found, and runs the task. */
async function runBegun(begun: BegunTask, known: FoundInputs | undefined): Promise<TaskEnd> {
  const { session, task, progress } = begun
  const stages = stagesOf(task)
  const secrets = environmentSecrets(task)
  const opened = stages.map((each, stage) => openPool(begun, each, { stage, secrets }))
  const [firstStage = task] = stages
  const ahead = isEngineAlone(begun, firstStage) ? headStart(begun, firstStage, opened[0] as Workers) : undefined
  if (ahead) opened[0] = ahead.workers
  // Work that begins before it is asked for is not observed until then.
  const pools = opened.map(progress.observe)
  const workers = pools[0] as Workers
  const stop = (): void => {
    for (const each of pools) each.stop()
  }
  session.options.signal?.addEventListener('abort', stop)
  if (session.options.signal?.aborted) stop()
  try {
    // Among other nodes, one thread is enough: the others open the task if its batches need them.
    const opening = layoutOf(task.output) ? openThreads(workers, task, begun.isAlone) : undefined
    // Objects say nothing about the size of a sample.
    const onMatched = session.options.sample === undefined ? opening?.onMatched : undefined
    const onFinding = { onMatched, onListed: ahead?.begin }
    const finding = known ? Promise.resolve(known) : findInputs({ ...findOptions(begun), ...onFinding })
    opening?.onFound(finding)
    const [checked, found] = await Promise.allSettled([opening?.checked, finding])
    // Missing columns are reported first: they explain a transform that fails for want of columns.
    if (found.status === 'fulfilled') await requireColumns(session.input, task, found.value)
    // Columns in paths that the template does not name are known only when inputs were found.
    const isNew = found.status === 'fulfilled' && addsColumns(task, found.value)
    const again = isNew
      ? await workers.run<'check'>({ kind: 'check', ...stageColumns(task, 0, { found: found.value, schemas: [] }) })
      : undefined
    if (!again && checked.status === 'rejected') throw checked.reason
    const first = again?.schema ?? (checked.status === 'fulfilled' ? checked.value?.schema : undefined)
    const schema = await checkStages(begun, pools, { first, found: found.status === 'fulfilled' ? found.value : {} })
    if (found.status === 'rejected') throw found.reason
    const partitions = partitionSetFor(stages.at(-1) ?? task)
    const deliveries = deliveryLimitFor(task, session.workers)
    return await runFound({ ...begun, schema, secrets, pools, gate: createGate(), partitions, deliveries }, found.value)
  } finally {
    session.options.signal?.removeEventListener('abort', stop)
    ahead?.end()
    for (const each of pools) await each.close()
  }
}

type Schema = WorkerResults['check']['schema']

/** Checks each later stage over the columns that enter it, where they are known, and returns those of the last. */
async function checkStages(
  { task }: BegunTask,
  pools: readonly Workers[],
  { first, found }: { readonly first: Schema | undefined; readonly found: FoundColumns },
): Promise<Schema | undefined> {
  const schemas: (Schema | undefined)[] = [first]
  for (const [stage, workers] of pools.entries()) {
    if (stage === 0) continue
    const columns = stageColumns(task, stage, { found, schemas })
    schemas.push(columns && (await workers.run<'check'>({ kind: 'check', ...columns })).schema)
  }
  return schemas.at(-1)
}

function skip(begun: BegunTask, { runId, manifest, found }: CompleteTask): TaskEnd {
  warnOfInputs(begun, found)
  return { result: resultOf(begun, runId, 'skipped', manifest, found) }
}

/** Nodes run at the same time, and their tables of one name may differ. */
function tablePlaces({ input, output, stageFolder }: Session, { task, params, upstream }: TaskNode) {
  const folder = join(stageFolder, shortHash(nodeIdOf(task.name, params)))
  return { ...engineServices, input, output, upstream, stageFolder: folder }
}

const addsColumns = ({ source, output }: TaskDefinition, { hive, dataset }: FoundInputs): boolean =>
  layoutOf(output) !== undefined && (dataset !== undefined || hive.some(name => !hiveNamesOf(source).includes(name)))

function openPool(
  begun: BegunTask,
  task: TaskDefinition,
  { stage, secrets }: { readonly stage: number; readonly secrets: SecretValues },
): Workers {
  const { session, params, tables, progress } = begun
  const { bundle, memory, memoryBytesMax, stageFolder, partFolder, groupBytes, options } = session
  return openTaskWorkers({
    ...{ task, stage, params, bundle, memory, memoryBytesMax, stageFolder, partFolder },
    input: sourceRoot(task.source) === 'input' ? session.inputSpec : session.outputSpec,
    threads: session.workers,
    syncsParts: session.outputSpec.kind === 'disk',
    engineThreads: engineThreadsOf(begun, task),
    pool: () => session.pool,
    strict: options.strict,
    reads: options.reads,
    stageBytesMax: 4 * Math.max(groupBytes, groupBytesMax),
    tables: tables.files,
    secrets,
    onMessage: progress.onMessage,
  })
}
