/** Sizes libuv's pool of threads before its first use: the first import of the command line, because the size is read only once. */
import { availableParallelism } from 'node:os'

/** Threads beyond those that workers wait for; with too few threads, workers that read from pipes block each other for ever. */
const spareThreads = 4
/** Limit of libuv. */
const threadsMax = 1024
const userThreads = Number(process.env.UV_THREADPOOL_SIZE) || 0

/** Makes the pool 2 × workers + 4, or the size in the user's environment if that is larger. It has no effect once the pool is used. */
export function sizeThreadpool(workers: number, reads = 2 * workers): void {
  const needed = Math.min(threadsMax, Math.max(2 * workers, reads) + spareThreads)
  process.env.UV_THREADPOOL_SIZE = String(Math.max(userThreads, needed))
}

sizeThreadpool(availableParallelism())
