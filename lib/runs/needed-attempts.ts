/** Finds the attempts whose state is still needed by datasets. */

import { readCurrent } from '../commit/head.ts'
import { attemptText, type RunName } from '../model/run/identity.ts'
import { type DamagedFile, isDamaged, orDamaged } from '../state/damaged-state.ts'
import { mapParallel, readState, readsAtOnce } from '../state/files.ts'
import { outputKeys, readHeadFile } from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'

export interface NeededAttempts {
  /** Texts of the attempts that a manifest names, and of those that are being committed. */
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
    const runs = await orDamaged(() => runsOf(store, outputHash))
    if (isDamaged(runs)) {
      damagedOutputs.add(outputHash)
      damaged.push(runs)
    } else for (const run of runs) attempts.add(attemptText(run))
  }
  const folders = await Array.fromAsync(store.listFolders(`${stateRoot}outputs/`))
  await mapParallel(folders, readOutput, readsAtOnce)
  return { attempts, damagedOutputs, damaged }
}

/** The runs that an output's manifest and head name. @throws STATE_INVALID */
async function runsOf(store: Store, outputHash: string): Promise<readonly RunName[]> {
  const head = await readState(store, outputKeys(outputHash).head, readHeadFile)
  if (!head) return []
  const { manifest } = await readCurrent(store, head)
  return [...(manifest?.runs ?? []), head.committed, head.committing].filter(run => run !== undefined)
}
