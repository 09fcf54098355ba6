/** Finds the files of external tasks, and identifies them, because what requires them runs again when they change. */
import { createHash } from 'node:crypto'
import { PermanentError } from '../../errors/errors.ts'
import { nearest, nearestHint } from '../../errors/nearest.ts'
import type { UpstreamIdentity } from '../../model/run/identity.ts'
import type { ExternalTarget } from '../../model/run/upstream-node.ts'
import { globMatcher, literalPrefix } from '../../paths/glob.ts'
import { mapParallel } from '../../state/files.ts'
import { type Store, type StoredObject, versionOf } from '../../store/store.ts'
import { candidateKeys } from '../candidate-keys.ts'

/** Identifies each target. Lists the folder of a flag, or what a glob may match. @throws NO_INPUT when one is not there */
export function targetIdentities(
  input: Store,
  task: string,
  targets: readonly ExternalTarget[],
): Promise<readonly UpstreamIdentity[]> {
  return mapParallel(targets, async target => {
    const found = await targetObjects(input, target)
    if (found.length === 0) throw await missing(input, task, target)
    return { node: target.node, key: target.path, identity: identityOf(found) }
  })
}

/** Returns everything below the flag's folder, or what the glob matches; nothing while the flag, or any match, is not there. */
export async function targetObjects(
  input: Pick<Store, 'list' | 'stat'>,
  { path, isGlob }: Pick<ExternalTarget, 'path' | 'isGlob'>,
): Promise<readonly StoredObject[]> {
  const matches = isGlob ? globMatcher(path) : () => true
  const objects: StoredObject[] = []
  const prefix = isGlob ? literalPrefix(path) : path.slice(0, path.lastIndexOf('/') + 1)
  // A flag right below the root stands for itself: everything else there has nothing to do with it.
  if (!isGlob && prefix === '') return [await input.stat(path)].filter(object => object !== undefined)
  for await (const object of input.list(prefix)) if (matches(object.key)) objects.push(object)
  return isGlob || objects.some(({ key }) => key === path) ? objects : []
}

function identityOf(objects: readonly StoredObject[]): string {
  const hash = createHash('sha256')
  for (const object of objects) hash.update(`${object.key}\0${object.sizeBytes}\0${versionOf(object)}\0`)
  return hash.digest('hex').slice(0, 32)
}

async function missing(input: Store, task: string, { node, path, isGlob }: ExternalTarget): Promise<PermanentError> {
  const near = nearest(path, await candidateKeys(input))
  const what = isGlob ? `a file that matches ${path}` : path
  const message = `task ${task}: expected ${what} of ${node} under ${input.url}, got nothing; run it again when ${node} is complete${nearestHint(near)}`
  return new PermanentError('NO_INPUT', message, { task, upstream: node, path })
}
