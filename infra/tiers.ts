/** Presets of what Process functions have. Each tier has more memory a thread than the one before. */
import type { Tier } from '../lib/core/lambda-events.ts'

/** For accounts whose functions are capped at 3,008 MB, as new ones are: 1.7 vCPUs. */
export const modestTiers: readonly Tier[] = [
  { memoryMb: 3008, threads: 2, temporaryStorageMb: 4096 },
  { memoryMb: 3008, threads: 1, temporaryStorageMb: 10_240 },
]

/** Up to Lambda's own limits: 3 and 6 vCPUs. */
export const largeTiers: readonly Tier[] = [
  { memoryMb: 5307, threads: 3, temporaryStorageMb: 6144 },
  { memoryMb: 10_240, threads: 3, temporaryStorageMb: 10_240 },
  { memoryMb: 10_240, threads: 1, temporaryStorageMb: 10_240 },
]
