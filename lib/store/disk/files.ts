/** Files on a disk that appear whole or not at all, and stay after a power cut. */
import { randomUUID } from 'node:crypto'
import { constants, copyFile, link, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { errnoOf } from './fault.ts'

/** A folder made away under a write is made again this often before giving up. */
const placeTriesMax = 10

/** What tells versions of a file apart: a rename keeps it, a rewrite does not. */
export function etagOf(stats: { readonly ino: bigint; readonly size: bigint; readonly mtimeNs: bigint }): string {
  return `${stats.ino}-${stats.size}-${stats.mtimeNs}`
}

/** The etag and size of a file, or undefined when there is none. */
export async function statFile(
  path: string,
): Promise<{ etag: string; sizeBytes: number; mtimeMs: number } | undefined> {
  try {
    const stats = await stat(path, { bigint: true })
    if (!stats.isFile()) return undefined
    return { etag: etagOf(stats), sizeBytes: Number(stats.size), mtimeMs: Number(stats.mtimeMs) }
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Writes a new file in the folder of temporary files, down to the disk; its path. */
export async function writeTemporary(folder: string, bytes: Uint8Array): Promise<string> {
  const path = temporaryPath(folder)
  const file = await inFolderOf(path, () => open(path, 'wx'))
  try {
    await file.writeFile(bytes)
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
  return path
}

/** A name in the folder of temporary files that says whose it is, so that a dead process's can be swept. */
export function temporaryPath(folder: string): string {
  return join(folder, `${encodeURIComponent(hostname())}~${process.pid}~${randomUUID()}`)
}

/** Gives a file a second name; false when that name is taken. */
export async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await inFolderOf(to, () => link(from, to))
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Renames, making the folder; the source is first copied to `temporary` where it lies on another device. */
export async function moveFile(from: string, to: string, temporary: string): Promise<void> {
  try {
    await inFolderOf(to, () => rename(from, to))
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    const copy = temporaryPath(temporary)
    await inFolderOf(copy, () => copyFile(from, copy, constants.COPYFILE_EXCL))
    await syncPath(copy)
    await inFolderOf(to, () => rename(copy, to))
    await rm(from)
  }
}

/** Brings a file's or folder's content down to the disk. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } catch (error) {
    // Deliberately passed over: some file systems cannot sync a folder, and have no other promise to give.
    if (!['EINVAL', 'EISDIR', 'ENOTSUP', 'EPERM'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    await file.close()
  }
}

/** Removes folders left empty, from one upwards to below `root`: in object storage they would not be there either. */
export async function pruneFolders(folder: string, root: string): Promise<void> {
  for (let path = folder; path !== root && !relative(root, path).startsWith('..'); path = dirname(path)) {
    try {
      await rmdir(path)
    } catch (error) {
      if (isAbsent(error)) continue
      return
    }
  }
}

/** Removes temporary files of processes of this host that are no more; one that cannot be removed is left. */
export async function sweepTemporary(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (isLeftTemporary(name)) await rm(join(folder, name), { force: true }).catch(() => undefined)
}

/** Whether a temporary file of this name was left by a process of this host that is gone. */
export function isLeftTemporary(name: string): boolean {
  const [host, pid] = name.split('~')
  return host === encodeURIComponent(hostname()) && pid !== undefined && !isRunning(Number(pid))
}

/** Whether a process of this host is there; one that may not be signalled is. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}

/** Whether a file system fault says that the path is not there. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')
}

/** Does something that needs the folder of `path`, which another process may be pruning. */
export async function inFolderOf<T>(path: string, act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act()
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || tries === placeTriesMax) throw error
      await mkdir(dirname(path), { recursive: true })
    }
  }
}
