/** Removes old state below an output root, and what runs left behind. */
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { clean, planClean } from '../runs/clean.ts'
import { findOldSalts, type OldSaltOptions, removeOldSalts } from '../runs/old-salts.ts'
import { isAnyLive, type RunClock } from '../runs/runs.ts'
import { pruneFolders, temporaryPath } from '../store/disk/files.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import { defaultOutput, rootSpec, specBelow } from '../store/roots.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'
import { removeCompileCache } from '../threads/compile-cache.ts'
import { isAlive } from '../threads/pool/machine.ts'
import { findLeftovers, type LeftoverOptions } from './leftovers.ts'
import { oldPaths } from './old-paths.ts'
import type { CleanOptions } from './options/api-options.ts'
import { loadHashed } from './pipeline-file.ts'

export interface CleanResult {
  /** Files as they are named below the output root; in S3 an upload that was not completed has the key that it was for. */
  readonly removed: readonly { readonly key: string; readonly bytes: number }[]
  /** State files that cannot be read, and why; the state that they belong to is kept. */
  readonly damaged: readonly { readonly key: string; readonly message: string }[]
}

const dayMs = 86_400_000
const defaultAgeDays = 7
const samplePath = `${stateRoot}sample`

/** Removes old state that no dataset needs, of samples as well, what runs left behind that did not complete, and compiled code of this user. */
export async function cleanState({
  output = defaultOutput,
  olderThanDays,
  dryRun = false,
  oldSaltsOf,
  ...access
}: CleanOptions = {}): Promise<CleanResult> {
  const olderThanMs = (olderThanDays ?? defaultAgeDays) * dayMs
  const ages = { olderThanMs, endedOlderThanMs: olderThanDays === undefined ? 0 : undefined }
  if (!dryRun) removeCompileCache()
  const root = rootSpec(output, access)
  // Before state is looked at, of which these datasets need some.
  const isOld = oldSaltsOf === undefined ? undefined : oldPaths(await loadHashed(oldSaltsOf))
  const store = openStore(root)
  const old = isOld ? await cleanSalts(store, { ...(await clockOf(root, store)), olderThanMs, isOld }, dryRun) : []
  const real = await cleanRoot(root, ages, dryRun)
  const sample = await cleanRoot(specBelow(root, samplePath), ages, dryRun)
  const below = <File extends { readonly key: string }>(file: File): File => {
    return { ...file, key: `${samplePath}/${file.key}` }
  }
  return {
    removed: [...old, ...real.removed, ...sample.removed.map(below)],
    damaged: [...real.damaged, ...sample.damaged.map(below)],
  }
}

/** Removes datasets only while no run is live, as one of other code may be writing to such a path. */
async function cleanSalts(
  store: Store,
  options: OldSaltOptions & RunClock,
  dryRun: boolean,
): Promise<CleanResult['removed']> {
  if (await isAnyLive(store, options)) return []
  const found = await findOldSalts(store, options)
  if (!dryRun) await removeOldSalts(store, found)
  return found.flatMap(({ files }) => files)
}

type Clock = RunClock & { readonly isAlive: typeof isAlive }

/** Returns the clock that gives the files of the store their times, by which their ages are known where that of this process is wrong. */
async function clockOf(root: StoreSpec, store: Store): Promise<Clock> {
  if (root.kind === 's3') return { now: () => store.now(), isAlive }
  const probe = temporaryPath(join(root.folder, stateRoot, 'tmp'))
  try {
    await writeFile(probe, '')
    const aheadMs = (await stat(probe)).mtimeMs - Date.now()
    return { now: () => Date.now() + aheadMs, isAlive }
  } catch {
    // Deliberately ignored, because a folder that cannot be written to, or is not there, has nothing that could be removed.
    return { now: () => store.now(), isAlive }
  } finally {
    await rm(probe, { force: true })
  }
}

async function cleanRoot(root: StoreSpec, ages: Omit<LeftoverOptions, 'isAnyLive' | 'now'>, dryRun: boolean) {
  const store = openStore(root)
  const clock = await clockOf(root, store)
  const plan = await planClean(store, { ...clock, ...ages })
  const isLive = () => isAnyLive(store, clock)
  const folder = root.kind === 'disk' ? root.folder : undefined
  const left = folder === undefined ? [] : await findLeftovers(folder, { isAnyLive: isLive, now: clock.now, ...ages })
  if (!dryRun) {
    await clean(store, plan)
    for (const { path, isEmpty } of left)
      await (isEmpty ? pruneFolders(path, folder ?? path) : rm(path, { recursive: true, force: true }))
  }
  const removed = [
    ...plan.objects.map(({ key, sizeBytes }) => ({ key, bytes: sizeBytes })),
    ...plan.parts.map(({ key, file = key, sizeBytes }) => ({ key: file, bytes: sizeBytes })),
    ...left.flatMap(each => each.files),
  ]
  return { removed, damaged: plan.damaged.map(({ key, message }) => ({ key, message })) }
}
