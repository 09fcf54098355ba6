/** A reserved run as a file of its state: what processes need that did not plan it themselves. */
import * as v from 'valibot'
import { PermanentError } from '../core/errors.ts'
import { runKeys, stateBytes } from '../core/state.ts'
import type { Store } from '../core/store.ts'
import type { ReservedRun } from './reserve.ts'
import { readState } from './state-files.ts'

export interface KeptReservation {
  readonly run: ReservedRun
  /** Hash of the broadcast tables that plan saw. */
  readonly tables: string
}

interface RunName {
  readonly runId: string
  readonly attempt: number
}

/** Written by whoever plans the run, each time: an owner after another may see its inputs under other etags. */
export async function keepReservation(store: Store, kept: KeptReservation): Promise<void> {
  await store.write(runKeys(kept.run.runId, kept.run.attempt).reservation, stateBytes(kept))
}

/** @throws RUN_UNKNOWN, STATE_INVALID */
export async function readReservation(store: Store, { runId, attempt }: RunName): Promise<KeptReservation> {
  const key = runKeys(runId, attempt).reservation
  const found = await readState(store, key, parse)
  if (found) return found
  throw new PermanentError(
    'RUN_UNKNOWN',
    `no plan of run ${runId}, attempt ${attempt}, in ${store.url}; plan it first`,
    { runId, attempt },
  )
}

/** Its own program wrote it: only the frame is checked. */
const schema = v.object({
  run: v.looseObject({
    runId: v.string(),
    attempt: v.number(),
    outputPath: v.string(),
    inputs: v.array(v.object({ key: v.string(), sizeBytes: v.number(), etag: v.string(), identity: v.string() })),
  }),
  tables: v.string(),
})

function parse(bytes: Uint8Array, key: string): KeptReservation {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder().decode(bytes))) as unknown as KeptReservation
  } catch (cause) {
    throw new PermanentError(
      'STATE_INVALID',
      `${key}: expected the reservation of a run; it was cut short or edited`,
      { key },
      { cause },
    )
  }
}
