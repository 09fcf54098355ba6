/** Identifies what a task requires, because it runs again when that has changed. */
import type { TaskDefinition } from '../../define/definition.ts'
import { readsNode, sidesOf } from '../../define/sources/source-paths.ts'
import { PermanentError } from '../../errors/errors.ts'
import type { UpstreamIdentity } from '../../model/run/identity.ts'
import type { ExternalTarget, UpstreamNode } from '../../model/run/upstream-node.ts'
import { mapParallel, readState } from '../../state/files.ts'
import { readManifest, successKey } from '../../state/state.ts'
import type { Store } from '../../store/store.ts'
import { runIdentityOf, runKeyOf } from './dataset-identity.ts'
import { targetIdentities } from './target-identity.ts'

/** Whether the source of a task reads the rows of a node, so that they are among its inputs. */
export const isRead = ({ source }: Pick<TaskDefinition, 'source'>, node: UpstreamNode): boolean =>
  sidesOf(source).some(side => readsNode(side, node))

/** Identifies what a task requires besides the rows that its source reads. @throws NO_INPUT when something is not complete */
export async function requiredIdentities(
  { input, output }: { readonly input: Store; readonly output: Store },
  task: Pick<TaskDefinition, 'name' | 'source'>,
  {
    upstream,
    targets = [],
  }: { readonly upstream: readonly UpstreamNode[]; readonly targets?: readonly ExternalTarget[] },
): Promise<readonly UpstreamIdentity[]> {
  const others = upstream.filter(node => !isRead(task, node))
  const external = await targetIdentities(input, task.name, targets)
  return [...external, ...(await upstreamIdentities(output, task.name, others))]
}

/** Returns an identity for each run of each required dataset: names, sizes and order of its parts do not count. @throws NO_INPUT when one is not complete */
export async function upstreamIdentities(
  output: Store,
  task: string,
  upstream: readonly UpstreamNode[],
): Promise<readonly UpstreamIdentity[]> {
  const found = await mapParallel(upstream, async ({ node, outputPath }) => {
    const manifest = await readState(output, successKey(outputPath), readManifest)
    if (!manifest) {
      const message = `task ${task}: expected the dataset of ${node} at ${output.url}/${outputPath}, got no _SUCCESS; run ${node} first`
      throw new PermanentError('NO_INPUT', message, { task, upstream: node, outputPath })
    }
    const { runs, parts } = manifest
    return runs.map(run => ({ node, key: runKeyOf(outputPath, run.runId), identity: runIdentityOf(run, parts) }))
  })
  return found.flat()
}
