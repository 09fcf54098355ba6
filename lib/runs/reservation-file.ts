/** Writes a reserved run into a file of its state, for processes that did not plan it. It is small, because each batch reads it. */
import * as v from 'valibot'
import { PermanentError } from '../errors/errors.ts'
import type { DataOf } from '../model/json-schema.ts'
import type { RunName } from '../model/run/identity.ts'
import { frameSchema, type ReservedRun, type RunFrame } from '../model/run/reserved-run.ts'
import { readState } from '../state/files.ts'
import { reader, readRunRecord, runKeys, stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'

const reservationSchema = v.object({
  run: frameSchema,
  /** Hash of the broadcast tables that plan saw. */
  tables: v.string(),
})
/** reservation.json */
export type KeptReservation = DataOf<typeof reservationSchema>
const parse = reader(reservationSchema)

/** Writes the file each time that a process plans the run, because the inputs may have other etags then. */
export async function keepReservation(store: Store, planned: ReservedRun, tables: string): Promise<void> {
  const { inputs: _, skipped: __, reasons: ___, ...run } = planned
  await store.write(runKeys(run).reservation, stateBytes({ run, tables } satisfies KeptReservation))
}

/** Reads the reservation of an attempt. @throws RUN_UNKNOWN, STATE_INVALID */
export async function readReservation(store: Store, name: RunName): Promise<KeptReservation> {
  const found = await readState(store, runKeys(name).reservation, parse)
  if (!found) throw unplanned(store, name)
  return found
}

/** Adds all inputs of the run, from its record, for commit, which writes them into the manifest. @throws RUN_UNKNOWN, STATE_INVALID */
export async function withInputs(store: Store, run: RunFrame): Promise<ReservedRun> {
  const record = await readState(store, runKeys(run).run, readRunRecord)
  if (!record) throw unplanned(store, run)
  return { ...run, inputs: record.inputs, skipped: record.skipped, reasons: record.reasons }
}

function unplanned({ url }: Store, { runId, attempt }: RunName): PermanentError {
  const message = `no plan of run ${runId}, attempt ${attempt}, in ${url}; plan it first`
  return new PermanentError('RUN_UNKNOWN', message, { runId, attempt })
}
