/** Finds out whether a task is complete already, which writes nothing, and otherwise whether its output can be written to. */
import { sourceRoot } from '../define/sources/source-paths.ts'
import { prefixError } from '../errors/errors.ts'
import { hasCode } from '../errors/expected.ts'
import { type FindOptions, type FoundInputs, findInputs } from '../inputs/find-inputs.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { reasonsText } from '../model/run/reason.ts'
import { lookAheadTask } from '../process/task-runner.ts'
import { outputPrefix, successKey } from '../state/state.ts'
import { engineServices } from '../threads/engine-services.ts'
import { contextOf, planOptions } from './found-run.ts'
import type { BegunTask } from './task-context.ts'

export interface CompleteTask {
  readonly status: 'complete'
  readonly runId: string
  readonly manifest: Manifest
  readonly found: FoundInputs
}

/** A task that must run, for a reason in words. */
export interface DueTask {
  readonly status: 'due'
  readonly reason: string
  /** Absent where nothing had to be found to know it, or where that failed. */
  readonly found?: FoundInputs
  /** The error of the inputs, which is reported after errors of the definition. */
  readonly fault?: unknown
}

/**
 * Compares the inputs with what is committed, where anything is. Most nodes of a graph that runs again are complete, and need neither
 * threads nor engines.
 */
export async function lookForComplete(begun: BegunTask): Promise<CompleteTask | DueTask> {
  const { session, outputPath } = begun
  if (session.options.force) return { status: 'due', reason: 'forced' }
  if (!(await session.output.stat(successKey(outputPath)))) return { status: 'due', reason: 'it has no _SUCCESS' }
  const [finding] = await Promise.allSettled([findInputs(findOptions(begun))])
  if (finding.status === 'rejected')
    return { status: 'due', reason: 'its inputs cannot be read', fault: finding.reason }
  const found = finding.value
  const outlook = await lookAheadTask(contextOf(begun), planOptions(begun, found))
  if (outlook.status === 'complete') return { ...outlook, found }
  const reason = outlook.status === 'new' ? reasonsText(outlook.reasons) : 'a commit is under way, or was interrupted'
  return { status: 'due', reason, found }
}

/**
 * Checks the place of the output before anything is done for a task that must run.
 * @throws OUTPUT_READ_ONLY, OUTPUT_OTHER_FILE_SYSTEM; the fault of the inputs where the output can only be read
 */
export async function checkPlace({ session, task, outputPath }: BegunTask, { reason, fault }: DueTask): Promise<void> {
  try {
    await session.output.checkPlace?.(outputPrefix(outputPath))
  } catch (error) {
    if (!hasCode(error, 'OUTPUT_READ_ONLY')) throw error
    if (fault !== undefined) throw fault
    throw prefixError(error, `${outputPath} has to be written (${reason})`, { task: task.name, outputPath, reason })
  }
}

export function findOptions({ session, task, params, upstream }: BegunTask): FindOptions {
  const { options, identify, outputs, workers, memory } = session
  const { sample, signal } = options
  return {
    ...{ ...engineServices, task, params, upstream, identify, outputs, sample, signal },
    input: session[sourceRoot(task.source)],
    roots: session,
    threads: workers,
    textBytes: memory.textBytes,
  }
}
