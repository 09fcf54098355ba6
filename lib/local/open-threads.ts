/** Opens the threads of a task while its inputs are found: only as many as get work. */
import type { TaskDefinition } from '../define/definition.ts'
import type { FindOptions, FoundInputs } from '../inputs/find-inputs.ts'
import type { WorkerResults, Workers } from '../model/worker-job.ts'

/** Inputs of more bytes are cut for all threads, or take so long to read that a thread more has started meanwhile. */
const littleBytes = 1 << 20

export interface OpenedThreads {
  /** Result of the first thread that opened the task, which the others repeat. */
  readonly checked: Promise<WorkerResults['check']>
  readonly onMatched: FindOptions['onMatched']
  /** Is called with the inputs; opens the others if these are for several threads. */
  onFound(finding: Promise<FoundInputs>): void
}

/**
 * Lets a thread open its engine and run the user's setup. Of a task that is alone in its run, the others do so too as soon as the inputs
 * are known to be for several: a thread costs 0.1 seconds of CPU time, which a single small file is not worth.
 */
export function openThreads(
  workers: Workers,
  { source }: Pick<TaskDefinition, 'source'>,
  isAlone: boolean,
): OpenedThreads {
  const open = (): Promise<WorkerResults['check']> => workers.run<'check'>({ kind: 'check' })
  const checked = open()
  let isDecided = !isAlone
  const decide = (isForAll: boolean): void => {
    // Errors of the others repeat that of the first.
    if (isForAll && !isDecided) for (let thread = 1; thread < workers.threads; thread++) open().catch(() => undefined)
    isDecided ||= isForAll
  }
  const isMatched = source.kind === 'files' || source.kind === 'zipMembers'
  if (!isMatched) decide(true)
  return {
    checked,
    onMatched: objects => decide(objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > littleBytes),
    onFound: finding =>
      void finding.then(
        found => decide(!isDecided && found.cut(found.inputs).length > 1),
        () => undefined,
      ),
  }
}
