/** Finds working folders, temporary files, bundles and empty folders of ended processes below the state folder of an output root. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { nothingIf } from '../errors/expected.ts'
import { mapParallel, readsAtOnce } from '../state/files.ts'
import { isAbsent } from '../store/disk/fault.ts'
import { isLeftTemporary } from '../store/disk/files.ts'
import { pendingPrefix } from '../store/disk/pending.ts'
import { isLeftFolder } from '../store/own-folder.ts'
import { stateRoot } from '../store/state-root.ts'

export interface Leftover {
  /** Path of a file, or of a folder that is removed with all that it holds. */
  readonly path: string
  /** Whether it is an empty folder, which is removed only while it is empty, with the folders above that it leaves empty. */
  readonly isEmpty?: boolean
  /** The files in it, or the folder itself when it is empty, as they are named below the output root. */
  readonly files: readonly { readonly key: string; readonly bytes: number }[]
}

export interface LeftoverOptions {
  readonly olderThanMs: number
  /** Least age of what processes left that are known to have ended; default `olderThanMs`. */
  readonly endedOlderThanMs?: number
  /** Whether any run is live; called at most once, when something has an unknown owner. */
  readonly isAnyLive: () => Promise<boolean>
  /** Present time by the clock of the file system. */
  readonly now: () => number
}

/** Least age of what has an unknown owner: a process of another host may not have begun its run yet. */
const unknownAgeMsMin = 86_400_000

export async function findLeftovers(
  folder: string,
  { olderThanMs, endedOlderThanMs = olderThanMs, isAnyLive, now }: LeftoverOptions,
): Promise<Leftover[]> {
  const found: Leftover[] = []
  // Listed before it is known that no run is live: a run has its lease before its first folder.
  const empty = await emptyFolders(folder, pendingPrefix.slice(0, -1))
  let isQuiet: boolean | undefined
  for (const parent of ['tmp', 'bundles']) {
    const parentKey = `${stateRoot}${parent}`
    for (const name of await readdir(join(folder, parentKey)).catch(() => [])) {
      const key = `${parentKey}/${name}`
      const ageMs = now() - ((await statOf(join(folder, key)))?.mtimeMs ?? now())
      const isLeft = isLeftFolder(name) || isLeftTemporary(name)
      if (ageMs < (isLeft ? endedOlderThanMs : Math.max(olderThanMs, unknownAgeMsMin))) continue
      isQuiet ??= isLeft ? undefined : !(await isAnyLive())
      if (isLeft || isQuiet) found.push({ path: join(folder, key), files: await filesOf(folder, key) })
    }
  }
  for (const { key, mtimeMs } of empty) {
    if (now() - mtimeMs < endedOlderThanMs) continue
    isQuiet ??= !(await isAnyLive())
    if (isQuiet) found.push({ path: join(folder, key), isEmpty: true, files: [{ key: `${key}/`, bytes: 0 }] })
  }
  return found
}

/** Finds the folders in which a process was about to write its first part when it ended. */
async function emptyFolders(root: string, key: string): Promise<{ readonly key: string; readonly mtimeMs: number }[]> {
  const entries = await readdir(join(root, key), { withFileTypes: true }).catch(() => undefined)
  if (entries?.length === 0) {
    const found = await statOf(join(root, key))
    return found ? [{ key, mtimeMs: found.mtimeMs }] : []
  }
  const folders = (entries ?? []).filter(entry => entry.isDirectory())
  const found = await mapParallel(folders, ({ name }) => emptyFolders(root, `${key}/${name}`), readsAtOnce)
  return found.flat()
}

/** Returns undefined for a file that is gone: another process may be cleaning at the same time. */
const statOf = (path: string) => stat(path).catch(nothingIf(isAbsent))

async function filesOf(folder: string, key: string): Promise<Leftover['files']> {
  const found = await statOf(join(folder, key))
  if (!found) return []
  const entries = await readdir(join(folder, key), { withFileTypes: true }).catch(() => undefined)
  if (!entries) return [{ key, bytes: found.size }]
  const nested = await Promise.all(entries.map(({ name }) => filesOf(folder, `${key}/${name}`)))
  return nested.length === 0 ? [{ key: `${key}/`, bytes: 0 }] : nested.flat()
}
