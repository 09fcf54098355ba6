/** Finds the datasets directly below a folder: those of a salted output, or one for each value of a parameter. */
import { readSuccess } from '../commit/head.ts'
import { mapParallel, readsAtOnce } from '../state/files.ts'
import { outputPrefix } from '../state/state.ts'
import type { Store } from '../store/store.ts'

export interface DatasetBelow {
  readonly outputPath: string
  /** When its last run was committed. */
  readonly finishedAt: string
}

/** Limit on the folders that are looked into: each costs a request. */
const foldersMax = 100

/** Returns the datasets below a folder that is none itself, the newest first; what cannot be read is left out. */
export async function datasetsBelow(store: Store, outputPath: string): Promise<readonly DatasetBelow[]> {
  const folders: string[] = []
  for await (const folder of store.listFolders(outputPrefix(outputPath)))
    if (folders.push(folder.slice(0, -1)) === foldersMax) break
  const found = await mapParallel(folders, folder => readBelow(store, folder), readsAtOnce)
  return found.flat().sort((a, b) => (a.finishedAt > b.finishedAt ? -1 : 1))
}

async function readBelow(store: Store, outputPath: string): Promise<readonly DatasetBelow[]> {
  const manifest = await readSuccess(store, outputPath).catch(() => undefined)
  return manifest ? [{ outputPath, finishedAt: manifest.runs.at(-1)?.finishedAt ?? '' }] : []
}
