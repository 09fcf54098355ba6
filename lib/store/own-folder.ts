/** Creates folders that are removed with their process; those of killed processes are removed by the next process. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning } from './disk/files.ts'

/** The folder of the system whose files are in memory, where there is one. */
export const memoryFolder = '/dev/shm'

/** Whether the files of a folder are in memory. */
export const isInMemory = (folder: string): boolean => folder.startsWith(join(memoryFolder, '/'))

/** Name with host, process and start time of the process: a restarted container gives its processes the same numbers. */
const ownName = /^fanmill-(.+)-(\d+)\.(\d*)-[0-9a-f]{8}$/
const own = new Set<string>()
let watchesExit = false

/** Creates a folder in `parent` that no other user may enter. It is removed by `removeOwnFolder`, or when the process exits. */
export function makeOwnFolder(parent: string): string {
  mkdirSync(parent, { recursive: true })
  sweepFolders(parent)
  const owner = `${process.pid}.${startTicks(process.pid)}`
  const folder = join(parent, `fanmill-${hostname()}-${owner}-${randomUUID().slice(0, 8)}`)
  mkdirSync(folder, { mode: 0o700 })
  // Stays before the listener that ends the process with its lost threads.
  if (!watchesExit) process.once('exit', removeAll)
  watchesExit = true
  own.add(folder)
  return folder
}

/** Removes the folder; a missing folder is not an error. */
export function removeOwnFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  own.delete(folder)
}

/** Runs `work` with a folder of its own below the system's temporary folder, and removes the folder when it ends. */
export async function inOwnFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = makeOwnFolder(tmpdir())
  try {
    return await work(folder)
  } finally {
    removeOwnFolder(folder)
  }
}

function removeAll(): void {
  for (const folder of own) rmSync(folder, { recursive: true, force: true })
}

/** Returns whether a folder belongs to an ended process of this host. */
export function isLeftFolder(name: string): boolean {
  const [, host, pid, startedAt] = ownName.exec(name) ?? []
  return host === hostname() && !isOwned(Number(pid), startedAt)
}

/** Removes the folders of ended processes, except for those of other users, which cannot be removed. */
function sweepFolders(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!isLeftFolder(name)) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // Deliberately ignored, because the folder does no harm.
    }
  }
}

/** Whether the process of this number is running that began then. Deliberately without a list of own folders, because each thread would have its own. */
export function isOwned(pid: number, startedAt = ''): boolean {
  if (!isRunning(pid)) return false
  const found = startTicks(pid)
  return startedAt === '' || found === '' || startedAt === found
}

/** Returns the start time of a process in ticks since the machine started; empty on systems without /proc. */
export function startTicks(pid: number): string {
  try {
    // 22 - starttime; the name before may hold spaces and brackets.
    const [, fields = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return /^\d+$/.exec(fields.split(' ')[19] ?? '')?.[0] ?? ''
  } catch {
    return ''
  }
}
