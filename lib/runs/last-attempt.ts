/** The last attempt of a run: found by its record, and held by a lease. */

import { isLive } from '../commit/head.ts'
import { nothingIf } from '../errors/expected.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { damagedFile, isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { type Actor, readState, readVersioned, type Versioned } from '../state/files.ts'
import { type Lease, type RunRecord, readLease, readRunRecord, runKeys, stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'

export interface LastAttempt {
  /** 0 when there is none. */
  readonly attempt: number
  /** Absent where the record is gone or damaged. */
  readonly record?: RunRecord
}

/** Finds the highest attempt; one that the manifest lists counts even when its state is gone. @throws STATE_INVALID unless `skipsDamaged` */
export async function findLastAttempt(
  store: Store,
  runId: string,
  { manifest, skipsDamaged }: { readonly manifest: Manifest | undefined; readonly skipsDamaged: boolean },
): Promise<LastAttempt> {
  const listed = manifest?.runs.find(run => run.runId === runId)?.attempt ?? 0
  let last: LastAttempt = { attempt: listed }
  for (let attempt = Math.max(listed, 1); ; attempt++) {
    const { run } = runKeys({ runId, attempt })
    const record = await (skipsDamaged ? readUndamaged : readState)(store, run, readRunRecord)
    if (!record) return last
    last = isDamaged(record) ? { attempt } : { attempt, record }
  }
}

/** An attempt's lease with its holder: until the lease has a file of its own, the record names it. */
export interface HeldAttempt {
  readonly lease: Versioned<Lease> | undefined
  readonly holder: Lease
  readonly isOurs: boolean
  /** Another process works on it. */
  readonly isBusy: boolean
}

/** Reads who holds an attempt. With `skipsDamaged` a damaged lease holds nothing: the next attempt has a lease of its own. */
export async function readHolder(
  actor: Actor,
  record: RunRecord,
  { skipsDamaged }: { readonly skipsDamaged: boolean },
): Promise<HeldAttempt> {
  const key = runKeys(record).lease
  const isSkipped = (error: unknown) => skipsDamaged && damagedFile(error)
  const lease = await readVersioned(actor.store, key, readLease).catch(nothingIf(isSkipped))
  const holder = lease?.value ?? record
  const isOurs = holder.owner.id === actor.owner.id
  return { lease, holder, isOurs, isBusy: !isOurs && isLive(actor, holder) }
}

/** Makes the actor the owner of an attempt; false when another process was faster. */
export async function takeLease(
  { store, owner, now, leaseMs }: Actor,
  record: RunRecord,
  from: Versioned<Lease> | undefined,
): Promise<boolean> {
  const key = runKeys(record).lease
  const bytes = stateBytes({ owner, leaseUntil: now() + leaseMs } satisfies Lease)
  const etag = from ? await store.replace(key, bytes, from.etag) : await store.create(key, bytes)
  return etag !== undefined
}
