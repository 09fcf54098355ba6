/** Finds the datasets of salted outputs at paths to which the present code does not write, and removes them. */
import type { ManifestRun } from '../model/outcome/manifest.ts'
import { outputHashOf } from '../model/run/identity.ts'
import { isDamaged, orDamaged } from '../state/damaged-state.ts'
import { mapParallel, readState, readsAtOnce } from '../state/files.ts'
import { outputKeys, outputPrefix, readHeadFile, readManifest, successKey } from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'

export interface OldSaltOptions {
  readonly now: () => number
  /** Datasets to which a run was committed more recently than this are kept. */
  readonly olderThanMs: number
  /** Whether the path of a dataset, of which this is the last run, belongs to a salted output of this task, but to other code. */
  isOld(last: Pick<ManifestRun, 'pipeline' | 'task' | 'params'>, outputPath: string): boolean
}

/** A dataset of other code, as its manifest names it. */
export interface OldDataset {
  readonly success: string
  /** The files that are there: `_SUCCESS`, unless a removal was interrupted, and the parts. */
  readonly files: readonly { readonly key: string; readonly bytes: number }[]
  readonly head: string
}

/** Reads the head and the manifest of each output. What is being committed, and what cannot be read, is kept. */
export async function findOldSalts(store: Store, options: OldSaltOptions): Promise<readonly OldDataset[]> {
  const folders = await Array.fromAsync(store.listFolders(`${stateRoot}outputs/`))
  const hashes = folders.map(folder => folder.split('/').at(-2) ?? '')
  const find = async (hash: string): Promise<readonly OldDataset[]> => {
    const found = await orDamaged(() => oldDataset(store, hash, options))
    return isDamaged(found) ? [] : found
  }
  return (await mapParallel(hashes, find, readsAtOnce)).flat()
}

async function oldDataset(
  store: Store,
  hash: string,
  { now, olderThanMs, isOld }: OldSaltOptions,
): Promise<readonly OldDataset[]> {
  const { head: key } = outputKeys(hash)
  const head = await readState(store, key, readHeadFile)
  if (!head?.committed || head.committing || outputHashOf(head.outputPath) !== hash) return []
  const success = successKey(head.outputPath)
  const inPlace = await readState(store, success, readManifest)
  // A removal that was interrupted has taken away `_SUCCESS`, and left parts whose names the head's manifest has.
  const manifest = inPlace ?? (await readState(store, head.committed.manifest, readManifest))
  const last = manifest?.runs.at(-1)
  // The files of a Delta table are those of its log.
  if (!manifest || !last || manifest.log === 'delta' || !isOld(last, head.outputPath)) return []
  if (Date.parse(last.finishedAt) > now() - olderThanMs) return []
  const prefix = outputPrefix(head.outputPath)
  const parts = manifest.parts.map(part => ({ key: prefix + part.key, bytes: part.bytes }))
  const files = inPlace ? parts : await onlyPresent(store, prefix, parts)
  const found = await store.stat(success)
  return [{ success, files: found ? [{ key: success, bytes: found.sizeBytes }, ...files] : files, head: key }]
}

async function onlyPresent<T extends { readonly key: string }>(
  store: Store,
  prefix: string,
  files: readonly T[],
): Promise<readonly T[]> {
  const keys = new Set(await Array.fromAsync(store.list(prefix), ({ key }) => key))
  return files.filter(({ key }) => keys.has(key))
}

/**
 * Removes `_SUCCESS` before any part, so that no reader takes the rest for a dataset, and the head last: it names what is left when this
 * is interrupted, so that the next call finds it.
 */
export async function removeOldSalts(store: Store, datasets: readonly OldDataset[]): Promise<void> {
  for (const { success, files, head } of datasets) {
    await store.remove(success)
    const parts = files.filter(({ key }) => key !== success)
    await mapParallel(parts, ({ key }) => store.remove(key), readsAtOnce)
    await store.remove(head)
  }
}
