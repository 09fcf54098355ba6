/** Identifies what a task requires, because it runs again when that has changed. */
import { PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import type { UpstreamIdentity } from '../model/run-identity.ts'
import type { UpstreamNode } from '../model/upstream-node.ts'
import { mapParallel, readState } from '../state/files.ts'
import { readManifest, successKey } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { runIdentityOf, runKeyOf } from './dataset-identity.ts'

/** Reads the manifest of each required dataset. @throws NO_INPUT when one is not complete */
export async function upstreamIdentities(
  output: Store,
  task: string,
  upstream: readonly UpstreamNode[],
): Promise<readonly UpstreamIdentity[]> {
  const found = await mapParallel(upstream, async ({ node, outputPath }) => {
    const manifest = await readState(output, successKey(outputPath), readManifest)
    if (manifest) return identitiesOf(node, outputPath, manifest)
    const message = `task ${task}: expected the dataset of ${node} at ${output.url}/${outputPath}, got no _SUCCESS; run ${node} first`
    throw new PermanentError('NO_INPUT', message, { task, upstream: node, outputPath })
  })
  return found.flat()
}

/** Returns one identity for each run of a dataset: names, sizes and order of its parts do not count. */
function identitiesOf(node: string, outputPath: string, { runs, parts }: Manifest): readonly UpstreamIdentity[] {
  return runs.map(run => ({ node, key: runKeyOf(outputPath, run.runId), identity: runIdentityOf(run, parts) }))
}
