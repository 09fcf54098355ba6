/** Finds the attempts whose state datasets still need. */

import { readCurrent } from '../commit/head.ts'
import { type DamagedFile, isDamaged, orDamaged, readUndamaged } from '../state/damaged-state.ts'
import { forEachParallel, readsAtOnce } from '../state/files.ts'
import { outputKeys, readHeadFile } from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'

export interface NeededAttempts {
  /** As `runId/attempt`: those that a manifest names, and those of commits under way. */
  readonly attempts: ReadonlySet<string>
  /** Hashes of outputs whose head or manifest is damaged: all of their attempts may be needed. */
  readonly damagedOutputs: ReadonlySet<string>
  readonly damaged: readonly DamagedFile[]
}

/** Reads every head and its manifest. */
export async function neededAttempts(store: Store): Promise<NeededAttempts> {
  const attempts = new Set<string>()
  const damagedOutputs = new Set<string>()
  const damaged: DamagedFile[] = []
  const readOutput = async (folder: string) => {
    const [, outputHash = ''] = /outputs\/([^/]+)\//.exec(folder) ?? []
    const head = await readUndamaged(store, outputKeys(outputHash).head, readHeadFile)
    if (!head) return
    const current = isDamaged(head) ? head : await orDamaged(() => readCurrent(store, head))
    if (isDamaged(head) || isDamaged(current)) {
      damagedOutputs.add(outputHash)
      if (isDamaged(current)) damaged.push(current)
      return
    }
    const { committed, committing } = head
    const runs = [...(current.manifest?.runs ?? []), ...[committed, committing].filter(one => one !== undefined)]
    for (const { runId, attempt } of runs) attempts.add(`${runId}/${attempt}`)
  }
  const folders = await Array.fromAsync(store.listFolders(`${stateRoot}outputs/`))
  await forEachParallel(folders, readOutput, readsAtOnce)
  return { attempts, damagedOutputs, damaged }
}
