/** Brings edited code to a deployed pipeline, for one execution. */
import { PermanentError } from '../errors/errors.ts'
import { readObject } from '../errors/json-object.ts'
import { type ShippedUse, shippedKeys } from '../state/shipped-state.ts'
import { stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import type { ExecutionDetail } from './aws-control.ts'
import type { Deployed } from './deployed.ts'

/**
 * Bundles the pipeline of a file, or of the file that was deployed, and writes it below the state. Returns its hash.
 * @throws SHIP_NOT_ALLOWED where the deployment runs no shipped code; USAGE without a file; and as `makeShipment`
 */
export async function ship({ ship: facts, name, stack, store }: Deployed, file: string | true): Promise<string> {
  if (!facts) {
    const message = `expected a pipeline that runs shipped code, got ${name} of stack ${stack}; deploy it with allowShip: true and this version of fanmill, or start it without --ship`
    throw new PermanentError('SHIP_NOT_ALLOWED', message, { stack, pipeline: name })
  }
  const entry = file === true ? facts.entry : file
  const missing = 'expected the file of the pipeline after --ship, as the stack names none, got nothing'
  if (entry === undefined) throw new PermanentError('USAGE', missing)
  const { makeShipment } = await import('../bundle-shipment.ts')
  const { hash, bytes } = await makeShipment(entry, { name, facts })
  // The time comes first, so that `clean` never finds code without one.
  await renewUse(store, hash)
  // Also over code of this name that is there, because it may have been damaged.
  await store.write(shippedKeys(hash).content, bytes)
  return hash
}

/** Notes that shipped code is needed from now on, for `clean`. */
export async function renewUse(store: Store, hash: string): Promise<void> {
  const use: ShippedUse = { shippedAt: new Date().toISOString() }
  await store.write(shippedKeys(hash).use, stateBytes(use))
}

/** Returns the hash of the shipped code that an execution runs; undefined for the deployed code. */
export function shippedBy(execution: Pick<ExecutionDetail, 'input'> | undefined): string | undefined {
  const shipped = readObject(execution?.input ?? '')?.shipped
  return typeof shipped === 'string' ? shipped : undefined
}
