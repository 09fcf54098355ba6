/** How long work waits for a store or a source that does not answer before it fails. ARCHITECTURE.md has the whole policy of retries. */
import type { StoreSpec } from './open-store.ts'

/** Above the outages of a minute that networks have; a request under a lease needs less than half of the lease. */
export const outageMs = 75_000

/** Returns a spec whose requests outlast an outage, for work whose leases allow that; S3 only, because disks have no outages. */
export function outlastingOutages(spec: StoreSpec): StoreSpec {
  return spec.kind === 's3' ? { ...spec, retryMs: outageMs } : spec
}
