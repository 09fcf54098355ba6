/** What a plan has found out about its inputs so far, directories or identities, kept in the state when its time runs out, so that the next call goes on from there. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { type KeptInput, keepInput, takeInput } from '../inputs/kept-input.ts'
import type { OpenInput } from '../inputs/open-input.ts'
import { readState } from '../state/files.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'

export interface OpenedInputs {
  readonly opened: ReadonlyMap<string, OpenInput>
  onOpen(input: OpenInput): void
  /** For the next call; false when this one opened none, so that calling again would not help. */
  keep(): Promise<boolean>
  /** When the plan is made. */
  forget(): Promise<void>
}

/** Memory: as what is known of them, and its text once more while it is kept. */
export async function recallInputs(
  output: Store,
  { name, source }: TaskDefinition,
  params: ParamValues,
): Promise<OpenedInputs> {
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
    onOpen(one) {
      opened.set(one.input.key, one)
      news++
    },
    async keep() {
      if (news === 0) return false
      await output.write(key, await promisify(gzip)(JSON.stringify(Array.from(opened.values(), keepInput))))
      isKept = true
      return true
    },
    async forget() {
      // Emptied, not removed: only Commit may delete.
      if (isKept) await output.write(key, await promisify(gzip)('[]'))
    },
  }
}

const entriesOf = (bytes: Uint8Array): [string, OpenInput][] =>
  (JSON.parse(new TextDecoder().decode(bytes)) as KeptInput[]).map(kept => [kept.input.key, takeInput(kept)])
