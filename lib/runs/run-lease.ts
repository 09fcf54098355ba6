/** Renews the lease of a run's owner while it works, and gives it up at the end. */
import { toPlain } from '../errors/errors.ts'
import type { RunName } from '../model/run/identity.ts'
import { changeState, readState } from '../state/files.ts'
import { type Lease, type Owner, type RunEnd, readLease, readRunRecord, runKeys, stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'

/** Moves the end of the lease to `leaseUntil`; false when another owner has taken the run over. */
export function renewRun(
  store: Store,
  run: RunName,
  { owner, leaseUntil }: { readonly owner: Owner; readonly leaseUntil: number },
): Promise<boolean> {
  return renewIf(store, run, { owner, leaseUntil }, holder => holder.owner.id === owner.id)
}

/** Copies the lease of a new run from its record into a file of its own: many processes read it, and a record may name 100,000 inputs. */
export async function keepLease(store: Store, run: RunName, lease: Lease): Promise<void> {
  await store.create(runKeys(run).lease, stateBytes(lease))
}

/**
 * Renews the lease for one of many processes of an owner: only when less than half of `leaseMs` is left, also when it has lapsed, because
 * such a process may have waited long to be called. A lease that was given up stays so: the run has ended, and a late process must not
 * hold it.
 */
export async function renewWhenDue(
  store: Store,
  run: RunName,
  { owner, now, leaseMs }: { readonly owner: Owner; readonly now: () => number; readonly leaseMs: number },
): Promise<void> {
  const keys = runKeys(run)
  const isDue = ({ owner: { id }, leaseUntil, isGivenUp = false }: Lease): boolean =>
    id === owner.id && !isGivenUp && leaseUntil - now() <= leaseMs / 2
  const lease = (await readState(store, keys.lease, readLease)) ?? (await readState(store, keys.run, readRunRecord))
  if (lease && isDue(lease)) await renewIf(store, run, { owner, leaseUntil: now() + leaseMs }, isDue)
}

/** Gives the lease of an attempt up and writes how it ended, so that the next process need not wait. */
export async function endRun(store: Store, run: RunName, { owner, now, status, error }: EndOptions): Promise<void> {
  const lease: Lease = { owner, leaseUntil: now(), isGivenUp: true }
  const isOurs = await renewIf(store, run, lease, holder => holder.owner.id === owner.id)
  if (!isOurs) return
  const end: RunEnd = {
    status,
    at: new Date(now()).toISOString(),
    error: error === undefined ? undefined : shortError(error),
  }
  await store.write(runKeys(run).end, stateBytes(end))
}

export interface EndOptions {
  readonly owner: Owner
  readonly now: () => number
  readonly status: RunEnd['status']
  /** The thrown error, when it failed. */
  readonly error?: unknown
}

async function renewIf(
  store: Store,
  run: RunName,
  next: Lease,
  mayRenew: (holder: Lease) => boolean,
): Promise<boolean> {
  const keys = runKeys(run)
  const isRenewed = await changeState(store, keys.lease, readLease, async lease => {
    const holder = lease ?? (await readState(store, keys.run, readRunRecord))
    return holder && mayRenew(holder) ? next : undefined
  })
  return isRenewed === true
}

function shortError(error: unknown): NonNullable<RunEnd['error']> {
  const { code, message, detail } = toPlain(error)
  return { message, code, detail }
}
