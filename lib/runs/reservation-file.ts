/** A reserved run as a file of its state: what processes need that did not plan it themselves. Small, because each batch reads it. */
import * as v from 'valibot'
import { PermanentError } from '../errors/errors.ts'
import type { RunName } from '../model/run-identity.ts'
import { readState } from '../state/files.ts'
import { invalidState, readRunRecord, runKeys, stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import type { ReservedRun, RunFrame } from './reserve.ts'

export interface KeptReservation {
  readonly run: RunFrame
  /** Hash of the broadcast tables that plan saw. */
  readonly tables: string
}

/** Written by whoever plans the run, each time: an owner after another may see its inputs under other etags. */
export async function keepReservation(store: Store, planned: ReservedRun, tables: string): Promise<void> {
  const { inputs: _, skipped: __, ...run } = planned
  await store.write(runKeys(run.runId, run.attempt).reservation, stateBytes({ run, tables } satisfies KeptReservation))
}

/** @throws RUN_UNKNOWN, STATE_INVALID */
export async function readReservation(store: Store, name: RunName): Promise<KeptReservation> {
  const found = await readState(store, runKeys(name.runId, name.attempt).reservation, parse)
  if (!found) throw unplanned(store, name)
  return found
}

/** With all inputs of the run, from its record: for commit, which writes them into the manifest. @throws RUN_UNKNOWN, STATE_INVALID */
export async function withInputs(store: Store, run: RunFrame): Promise<ReservedRun> {
  const record = await readState(store, runKeys(run.runId, run.attempt).run, readRunRecord)
  if (!record) throw unplanned(store, run)
  return { ...run, inputs: record.inputs, ...(record.skipped && { skipped: record.skipped }) }
}

function unplanned({ url }: Store, { runId, attempt }: RunName): PermanentError {
  const message = `no plan of run ${runId}, attempt ${attempt}, in ${url}; plan it first`
  return new PermanentError('RUN_UNKNOWN', message, { runId, attempt })
}

/** Its own program wrote it: only the frame is checked. */
const schema = v.object({
  run: v.looseObject({
    runId: v.string(),
    attempt: v.number(),
    outputPath: v.string(),
    startedAt: v.string(),
    reservedAt: v.string(),
    newEtags: v.record(v.string(), v.string()),
  }),
  tables: v.string(),
})

function parse(bytes: Uint8Array, key: string): KeptReservation {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder().decode(bytes))) as unknown as KeptReservation
  } catch (cause) {
    throw invalidState(key, 'expected the reservation of a run', cause)
  }
}
