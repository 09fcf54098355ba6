/** Warns of nodes of one run that replaced each other's rows: each is due again at every run. */
import type { TaskResult } from '../../model/events.ts'
import { hasRun } from '../../model/outcome/manifest.ts'
import { readState } from '../../state/files.ts'
import { readManifest, successKey } from '../../state/state.ts'
import type { Session } from '../session.ts'
import type { TaskNode } from '../task-context.ts'

/** A node that is complete, with the result of its run. */
export interface CompleteNode extends Pick<TaskNode, 'task' | 'outputPath'> {
  readonly result: TaskResult
}

/** Looks at each dataset that several of these nodes write by `replacePartitions`: one read of its manifest. */
export async function warnOfReplacedRows(
  { output, emit }: Pick<Session, 'output' | 'emit'>,
  nodes: readonly CompleteNode[],
): Promise<void> {
  const writers = nodes.filter(({ task: { output } }) => 'mode' in output && output.mode === 'replacePartitions')
  for (const [outputPath, several] of Map.groupBy(writers, node => node.outputPath)) {
    if (several.length < 2) continue
    // A warning fails no run that is complete.
    const manifest = await readState(output, successKey(outputPath), readManifest).catch(() => undefined)
    const lost = manifest ? several.filter(({ result }) => !hasRun(manifest, result.runId)) : []
    const [first] = lost
    if (!first) continue
    const { task, node } = first.result
    const others = lost.length === 1 ? '' : ` and of ${lost.length - 1} more`
    const message = `${outputPath}: rows of ${node}${others} were replaced by other nodes of this run, which write the same partitions and replace each other at every run; add a column to partitionBy that differs between the nodes`
    emit({ event: 'log', level: 'warn', task, node, message })
  }
}
