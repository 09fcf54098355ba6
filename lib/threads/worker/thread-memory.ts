/** Limits on the JavaScript heap of a worker thread, independent of the flags of Node. */
import { setFlagsFromString } from 'node:v8'
import type { ResourceLimits } from 'node:worker_threads'

const mebibyte = 1024 * 1024
const oldGenerationMbMin = 64
/** Three semi-spaces of 16 MiB. Node's own default for a thread is four times that, beside the old generation. */
const youngGenerationMb = 48

/** Size with which the semi-spaces of a thread begin. With V8's own of 1 MiB, six collections move the same objects while modules are loaded. */
const semiSpaceMb = 8

/** With less, short-lived objects are moved to the old generation. */
const youngGenerationMbMin = 16

/** Lets the young generation of the threads that start from now on begin large enough for their modules, within their limits. */
export function enlargeYoungGeneration({ maxYoungGenerationSizeMb = youngGenerationMb }: ResourceLimits): void {
  setFlagsFromString(`--min-semi-space-size=${Math.min(semiSpaceMb, Math.floor(maxYoungGenerationSizeMb / 3))}`)
}

/** Returns the limits of a thread with a heap of `heapBytes`, not counting the young generation, which gets an eighth of that, between 16 and 48 MiB. */
export function threadLimits(heapBytes: number): ResourceLimits {
  const youngMb = Math.max(youngGenerationMbMin, Math.floor(heapBytes / 8 / mebibyte))
  return {
    maxOldGenerationSizeMb: Math.max(oldGenerationMbMin, Math.floor(heapBytes / mebibyte)),
    maxYoungGenerationSizeMb: Math.min(youngGenerationMb, youngMb),
  }
}

/**
 * Removes the heap limits that Lambda sets when it starts Node: `--max-old-space-size` of 90 % of the function's memory and
 * `--max-semi-space-size` of 5 %. V8 prefers such a flag to the limits of each thread, so three threads could use three times the memory.
 */
export function resetHeapFlags(): void {
  setFlagsFromString('--max-old-space-size=0')
  setFlagsFromString('--max-semi-space-size=0')
}
