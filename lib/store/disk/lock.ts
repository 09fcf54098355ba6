/** Locks a key among processes that share a folder, because a plain file system has no compare-and-swap. */
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TransientError } from '../../errors/errors.ts'
import { nothingIf } from '../../errors/expected.ts'
import { isAbsent } from './fault.ts'
import { isRunning, linkNew, statFile, writeTemporary } from './files.ts'

/** A lock is held for some milliseconds, for a compare and a rename. A holder of this age is considered dead. */
const staleAfterMs = 60_000
const waitMs = 5
/** Ten seconds: many times what all threads of a machine need one after another. */
const waitsMax = 2_000

/**
 * Runs `act` while no other process or thread runs this function with the same key.
 * Lock files are numbered. The lock of a dead holder is superseded by the next number and not removed first, so that two processes
 * cannot both take it over. A holder on another host, or one that is suspended, is considered dead after a minute: `act` should
 * check its conditions right before it changes anything.
 * @throws STORE_FAILED, transient, when a running process holds the lock for ten seconds
 */
export async function withLock<T>(folder: string, key: string, act: () => Promise<T>): Promise<T> {
  const name = `lock-${createHash('sha256').update(key).digest('hex').slice(0, 16)}-`
  const held = await acquire(folder, name, key)
  try {
    return await act()
  } finally {
    for (const path of held) await rm(path, { force: true })
  }
}

async function acquire(folder: string, name: string, key: string): Promise<string[]> {
  const own = await writeTemporary(folder, new TextEncoder().encode(JSON.stringify([hostname(), process.pid])), false)
  try {
    for (let waits = 0; waits < waitsMax; waits++) {
      const numbers = await lockNumbers(folder, name)
      const paths = numbers.map(number => join(folder, `${name}${number}`))
      const next = (numbers.at(-1) ?? 0) + 1
      const path = join(folder, `${name}${next}`)
      if (!(await someHeld(paths, own)) && (await linkNew(own, path))) {
        // When two processes link at the same time, at least the one that lists later sees the other and gives up its lock.
        if (`${await lockNumbers(folder, name)}` === `${[...numbers, next]}`) return [...paths, path]
        await rm(path, { force: true })
      }
      await sleep(waitMs)
    }
  } finally {
    await rm(own, { force: true })
  }
  throw new TransientError('STORE_FAILED', `cannot change ${key} now: another process holds its lock`, { key })
}

async function lockNumbers(folder: string, name: string): Promise<number[]> {
  const names = await readdir(folder)
  return names
    .filter(found => found.startsWith(name))
    .map(found => Number(found.slice(name.length)))
    .sort((a, b) => a - b)
}

/** Whether one of the locks is held. Their ages are taken from the time of a file that was just written: the clock of this process may differ. */
async function someHeld(paths: readonly string[], newFile: string): Promise<boolean> {
  if (paths.length === 0) return false
  const { mtimeMs } = await stat(newFile)
  for (const path of paths) if (await isHeld(path, mtimeMs)) return true
  return false
}

async function isHeld(path: string, nowMs: number): Promise<boolean> {
  const stats = await statFile(path)
  const text = stats && (await readFile(path, 'utf8').catch(nothingIf(isAbsent)))
  // Released after the listing: it is reported as held, so that the caller lists again. By now another process may hold it again, whose
  // content must not be taken for that of a dead one.
  if (!stats || text === undefined) return true
  // A file without its content is left from before a power cut: it is linked only once it is written.
  const [, host, pid] = /^\["(.*)",(\d+)\]$/s.exec(text) ?? []
  if (host === undefined) return false
  return (host !== hostname() || isRunning(Number(pid))) && nowMs - stats.mtimeMs < staleAfterMs
}
