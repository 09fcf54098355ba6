/** Keeps the threads of a run for the next run of this process, which finds their modules loaded. */
import { openPool, type PoolOptions, type ThreadPool } from './pool.ts'

interface UsedPool {
  readonly pool: ThreadPool
  /** All that threads were started with. */
  readonly key: string
  readonly runs: number
}

/** Time that threads wait for another run. They keep no process alive. */
const idleMsMax = 5000

/** Limit on the runs of a thread, in which the modules of each stay. */
const runsMax = 50

let kept: (UsedPool & { readonly timer: NodeJS.Timeout }) | undefined

/**
 * Returns the threads of the run before, where it was given the same options, environment variables and working directory and its code
 * has left nothing in them; else starts new ones. `close` keeps them for some seconds.
 */
export function openKeptPool(options: PoolOptions): ThreadPool {
  const key = JSON.stringify([options, process.env, process.cwd()])
  const found = takeKept()
  const isFit = found?.key === key
  if (!isFit) void found?.pool.close()
  const { pool, runs } = isFit ? found : { pool: openPool({ ...options, isKept: true }), runs: 0 }
  return Object.create(pool, { close: { value: () => keepPool({ pool, key, runs: runs + 1 }) } }) as ThreadPool
}

async function keepPool(used: UsedPool): Promise<void> {
  if (used.runs === runsMax || !(await used.pool.rest())) return used.pool.close()
  // Two runs may have been going on at the same time.
  const before = takeKept()
  kept = { ...used, timer: setTimeout(() => void takeKept()?.pool.close(), idleMsMax).unref() }
  await before?.pool.close()
}

function takeKept(): UsedPool | undefined {
  const found = kept
  kept = undefined
  clearTimeout(found?.timer)
  return found
}
