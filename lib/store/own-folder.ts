/** Folders for what does not outlive this process; those of processes that were killed are removed by the next one. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isRunning } from './disk/files.ts'

/** Host, process, and when that began: a container that starts again gives its processes the same numbers. */
const ownName = /^fanmill-(.+)-(\d+)\.(\d*)-[0-9a-f]{8}$/
const own = new Set<string>()

/** A new folder in `parent` that nobody else may enter, which is made when absent. Gone when the process exits, if `removeOwnFolder` was not called before. */
export function makeOwnFolder(parent: string): string {
  mkdirSync(parent, { recursive: true })
  sweepFolders(parent)
  const owner = `${process.pid}.${beginningOf(process.pid)}`
  const folder = join(parent, `fanmill-${hostname()}-${owner}-${randomUUID().slice(0, 8)}`)
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

/** Whether a folder of this name was left by a process of this host that is gone. */
export function isLeftFolder(name: string): boolean {
  const [, host, pid, beginning] = ownName.exec(name) ?? []
  return host === hostname() && !isOwned(Number(pid), beginning)
}

/** One that cannot be removed, being another user's, is left. */
function sweepFolders(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!isLeftFolder(name)) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // Deliberately passed over: it is in nobody's way.
    }
  }
}

/** By who has the number now, unless one of the two beginnings is not known. Not by a list of ours: threads of one process have one each. */
function isOwned(pid: number, beginning = ''): boolean {
  if (!isRunning(pid)) return false
  const now = beginningOf(pid)
  return beginning === '' || now === '' || beginning === now
}

/** When a process began, in ticks since the machine did; empty where the system does not tell. */
function beginningOf(pid: number): string {
  try {
    // 22 - starttime; the name before may hold spaces and brackets.
    const [, fields = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return /^\d+$/.exec(fields.split(' ')[19] ?? '')?.[0] ?? ''
  } catch {
    return ''
  }
}
