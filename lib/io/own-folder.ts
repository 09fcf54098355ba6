/** Folders for what does not outlive this process; those of processes that were killed are removed by the next one. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isRunning } from './disk-files.ts'

const ownName = /^fanmill-(.+)-(\d+)-[0-9a-f]{8}$/
const own = new Set<string>()

/** A new folder in `parent` that nobody else may enter, which is made when absent. Gone when the process exits, if `removeOwnFolder` was not called before. */
export function makeOwnFolder(parent: string): string {
  mkdirSync(parent, { recursive: true })
  sweepFolders(parent)
  const folder = join(parent, `fanmill-${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`)
  mkdirSync(folder, { mode: 0o700 })
  if (own.size === 0) process.once('exit', removeAll)
  own.add(folder)
  return folder
}

/** Absent is no error. */
export function removeOwnFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  own.delete(folder)
  if (own.size === 0) process.off('exit', removeAll)
}

function removeAll(): void {
  for (const folder of own) rmSync(folder, { recursive: true, force: true })
}

/** One that cannot be removed, being another user's, is left. */
function sweepFolders(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, host, pid] = ownName.exec(name) ?? []
    if (host !== hostname() || isRunning(Number(pid))) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // Deliberately passed over: it is in nobody's way.
    }
  }
}
