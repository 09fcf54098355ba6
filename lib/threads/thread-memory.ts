/** The JavaScript heap of a worker thread: bounded, whatever flags Node was started with. */
import { setFlagsFromString } from 'node:v8'
import type { ResourceLimits } from 'node:worker_threads'

const mebibyte = 1024 * 1024
const oldGenerationMbMin = 64
/** Three semi-spaces of 16 MiB. Node's own default for a thread is four times that, beside the old generation. */
const youngGenerationMb = 48

/** Below it objects that die at once are moved to the old generation. */
const youngGenerationMbMin = 16

/**
 * Limits of a thread whose rows may take so many bytes; the young generation comes on top. `shareBytes` is the thread's part of the memory
 * budget: of a small one the young generation takes an eighth.
 */
export function threadLimits(heapBytes: number, shareBytes: number = Number.POSITIVE_INFINITY): ResourceLimits {
  const youngMb = Math.max(youngGenerationMbMin, Math.floor(shareBytes / 8 / mebibyte))
  return {
    maxOldGenerationSizeMb: Math.max(oldGenerationMbMin, Math.floor(heapBytes / mebibyte)),
    maxYoungGenerationSizeMb: Math.min(youngGenerationMb, youngMb),
  }
}

/**
 * Lambda starts Node with `--max-old-space-size` of 90 % of the function's memory and `--max-semi-space-size` of 5 %, for one thread.
 * V8 prefers such a flag to the limits of each thread, so that three threads could take three times the memory.
 */
export function resetHeapFlags(): void {
  setFlagsFromString('--max-old-space-size=0')
  setFlagsFromString('--max-semi-space-size=0')
}
