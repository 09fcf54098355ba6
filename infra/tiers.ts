/** Presets of tiers for Process functions. Each tier has more memory for each thread than the one before. */
import type { Tier } from '../lib/aws/lambda-events.ts'

export { modestTiers } from '../lib/aws/tier.ts'

/** Tiers up to the limits of Lambda: 3 and 6 vCPUs. */
export const largeTiers: readonly Tier[] = [
  { memoryMb: 5307, threads: 3, temporaryStorageMb: 6144 },
  { memoryMb: 10_240, threads: 3, temporaryStorageMb: 10_240 },
  { memoryMb: 10_240, threads: 1, temporaryStorageMb: 10_240 },
]
