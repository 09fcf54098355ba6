/** Removes the rows of temporary datasets at the end of a run, and writes them again when a task needs them. */
import type { ParamValues, TaskDefinition } from '../../define/definition.ts'
import { outputKind } from '../../define/outputs/output-kind.ts'
import { readTasks } from '../../define/sources/source-paths.ts'
import { areRemoved, RowsRemoved, removeRows } from '../../inputs/removed-rows.ts'
import { canonicalJson } from '../../model/run/identity.ts'
import { readState } from '../../state/files.ts'
import { readManifest, successKey } from '../../state/state.ts'
import type { Store } from '../../store/store.ts'
import type { Session } from '../session.ts'
import type { TaskEnd, TaskNode } from '../task-context.ts'

/** A task of a run with its parameters, and whether its dataset is complete now. */
export interface EndedTask extends Pick<TaskNode, 'task' | 'params' | 'outputPath'> {
  readonly isComplete: boolean
}

/** Removes the rows of each temporary dataset that no task needs any more: every task that reads it took part and is complete. */
export async function removeTemporaryRows(
  { pipeline, output, options }: Pick<Session, 'pipeline' | 'output' | 'options'>,
  ended: readonly EndedTask[],
): Promise<void> {
  if (options.keep) return
  for (const { task, params, outputPath, isComplete } of ended) {
    if (!outputKind(task.output).isTemporary || !isComplete) continue
    const readers = pipeline.tasks.filter(reader => readTasks(reader).some(({ name }) => name === task.name))
    const isUsed = readers.length > 0 && readers.every(reader => areComplete(ended, reader, params))
    if (isUsed) await removeOnce(output, task, outputPath)
  }
}

/** Whether a reader took part for these parameters of what it reads, and all of these are complete. */
function areComplete(ended: readonly EndedTask[], reader: TaskDefinition, params: ParamValues): boolean {
  const own = ended.filter(one => one.task.name === reader.name && isPartOf(params, one.params))
  return own.length > 0 && own.every(one => one.isComplete)
}

const isPartOf = (some: ParamValues, all: ParamValues): boolean =>
  Object.entries(some).every(([name, value]) => canonicalJson(all[name] ?? null) === canonicalJson(value))

async function removeOnce(output: Store, task: TaskDefinition, outputPath: string): Promise<void> {
  const manifest = await readState(output, successKey(outputPath), readManifest)
  if (!manifest || (await areRemoved(output, task, { outputPath, manifest }))) return
  await removeRows(output, { outputPath, manifest })
}

/** Tasks whose rows are being written again, by the path of their output: several tasks may need them at once. */
const remaking = new WeakMap<Store, Map<string, Promise<unknown>>>()

/** Runs a node. When it needs rows of temporary datasets that were removed, the nodes that write them run first, each once. */
export async function runWithRows(session: Session, node: TaskNode, { run, writerOf }: RowWriters): Promise<TaskEnd> {
  try {
    return await run(session, node)
  } catch (error) {
    const writer = error instanceof RowsRemoved ? writerOf(String(error.detail.outputPath)) : undefined
    if (!(error instanceof RowsRemoved) || !writer) throw error
    const forced = { ...session, options: { ...session.options, force: true } }
    const path = String(error.detail.outputPath)
    const end = await remakeOnce(session.output, path, () => runWithRows(forced, writer, { run, writerOf }))
    const others = (outputPath: string) => (outputPath === path ? undefined : writerOf(outputPath))
    return end.error ? end : runWithRows(session, node, { run, writerOf: others })
  }
}

export interface RowWriters {
  run(session: Session, node: TaskNode): Promise<TaskEnd>
  /** Returns the node of the graph that writes to a path. */
  writerOf(outputPath: string): TaskNode | undefined
}

function remakeOnce<End>(output: Store, path: string, remake: () => Promise<End>): Promise<End> {
  const running = remaking.get(output) ?? new Map<string, Promise<unknown>>()
  remaking.set(output, running)
  const found = running.get(path) as Promise<End> | undefined
  if (found) return found
  const made = remake().finally(() => running.delete(path))
  running.set(path, made)
  return made
}
