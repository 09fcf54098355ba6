/** Directories and identities of the inputs that a plan has read so far. When its time runs out they are kept in the state, and the next call continues from them. */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { type KeptInput, keepInput, takeInput } from '../inputs/kept-input.ts'
import type { OpenInput } from '../inputs/open-input.ts'
import { shortHash } from '../model/run/identity.ts'
import { readState } from '../state/files.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'

/** Reads what an earlier call kept. Memory: the inputs, and their text as JSON while they are written. */
export async function recallInputs(output: Store, { name, source }: TaskDefinition, params: ParamValues) {
  const key = `${stateRoot}planning/${shortHash(JSON.stringify([name, source, params]))}.json.gz`
  const kept = await readState(output, key, bytes => bytes)
  const opened = new Map(kept ? entriesOf(await promisify(gunzip)(kept)) : [])
  let isKept = kept !== undefined
  let openedCount = 0
  return {
    opened,
    onOpen(one: OpenInput): void {
      opened.set(one.input.key, one)
      openedCount++
    },
    /** Writes them for the next call; returns false when this call opened none, so that another one would not help. */
    async keep(): Promise<boolean> {
      if (openedCount === 0) return false
      await output.write(key, await promisify(gzip)(JSON.stringify(Array.from(opened.values(), keepInput))))
      isKept = true
      return true
    },
    /** Empties them when the plan is complete. */
    async forget(): Promise<void> {
      // Emptied, because only Commit may delete.
      if (isKept) await output.write(key, await promisify(gzip)('[]'))
    },
  }
}

const entriesOf = (bytes: Uint8Array): [string, OpenInput][] =>
  (JSON.parse(new TextDecoder().decode(bytes)) as KeptInput[]).map(kept => [kept.input.key, takeInput(kept)])
