/** Sizes libuv's pool of threads before its first use: imported before all else, because the size is read only once. */
import { availableParallelism } from 'node:os'

/** Threads beyond those that workers wait on: with too few, workers that read from pipes stop each other for ever. */
const spareThreads = 4
/** libuv takes no more. */
const threadsMax = 1024
const givenByUser = Number(process.env.UV_THREADPOOL_SIZE) || 0

/** Makes the pool 2 × workers + 4, or what the user's environment says if that is more; no effect once it is used. */
export function sizeThreadpool(workers: number, reads = 2 * workers): void {
  const needed = Math.min(threadsMax, Math.max(2 * workers, reads) + spareThreads)
  process.env.UV_THREADPOOL_SIZE = String(Math.max(givenByUser, needed))
}

sizeThreadpool(availableParallelism())
