/** The directories that a plan has read so far, kept in the state when its time runs out, so that the next call goes on from there. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { stateRoot } from '../core/state.ts'
import type { Store } from '../core/store.ts'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import type { OpenArchive } from '../steps/find-inputs.ts'
import { readState } from '../steps/state-files.ts'

export interface OpenedArchives {
  readonly opened: ReadonlyMap<string, OpenArchive>
  onOpen(archive: OpenArchive): void
  /** For the next call; false when this one opened none, so that calling again would not help. */
  keep(): Promise<boolean>
  /** When the plan is made. */
  forget(): Promise<void>
}

/** Memory: as the directories, and their text once more while they are kept. */
export async function recallArchives(
  output: Store,
  { name, source }: TaskDefinition,
  params: ParamValues,
): Promise<OpenedArchives> {
  const hash = createHash('sha256')
    .update(JSON.stringify([name, source, params]))
    .digest('hex')
    .slice(0, 16)
  const key = `${stateRoot}planning/${hash}.json.gz`
  const kept = await readState(output, key, bytes => bytes)
  const opened = new Map(kept ? entriesOf(await promisify(gunzip)(kept)) : [])
  let isKept = kept !== undefined
  let news = 0
  return {
    opened,
    onOpen(archive) {
      opened.set(archive.input.key, archive)
      news++
    },
    async keep() {
      if (news === 0) return false
      await output.write(key, await promisify(gzip)(JSON.stringify([...opened])))
      isKept = true
      return true
    },
    async forget() {
      // Emptied, not removed: only Commit may delete.
      if (isKept) await output.write(key, await promisify(gzip)('[]'))
    },
  }
}

const entriesOf = (bytes: Uint8Array): [string, OpenArchive][] =>
  JSON.parse(new TextDecoder().decode(bytes)) as [string, OpenArchive][]
