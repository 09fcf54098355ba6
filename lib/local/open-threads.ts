/** Opens the threads of a task while its inputs are found: only as many as get work. */
import type { TaskDefinition } from '../define/definition.ts'
import type { FindOptions, FoundInputs } from '../inputs/find-inputs.ts'
import type { WorkerResults, Workers } from '../model/worker-job.ts'

/** Limit on the bytes of inputs for which the other threads wait: with more, these are cut for all threads, or reading them takes longer than a start. */
const oneThreadBytesMax = 1 << 20

/**
 * Lets one thread open its engine and run the user's setup. If the task is alone in its run, the other threads do so too as soon as it is
 * known that they get work: a thread costs 0.1 seconds of CPU time, which would be wasted on a single small file.
 */
export function openThreads(workers: Workers, { source }: Pick<TaskDefinition, 'source'>, isAlone: boolean) {
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
    /** Result of the first thread that opened the task, which the others repeat. */
    checked,
    onMatched(objects: Parameters<NonNullable<FindOptions['onMatched']>>[0]): void {
      decide(objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > oneThreadBytesMax)
    },
    /** Opens the task in the other threads when the inputs are found and are for several. */
    onFound(finding: Promise<FoundInputs>): void {
      finding.then(
        found => decide(!isDecided && found.cut(found.inputs).length > 1),
        () => undefined,
      )
    },
  }
}
