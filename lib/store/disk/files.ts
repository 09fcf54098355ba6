/** Writes files that appear whole or not at all, and survive a power cut. */
import { randomUUID } from 'node:crypto'
import { constants, copyFile, link, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { nothingIf } from '../../errors/expected.ts'
import { errnoOf, isAbsent } from './fault.ts'
import { inFolderOf } from './folders.ts'
import { syncPath } from './sync.ts'

/** Returns the etag of a version of a file: a rename keeps it, a rewrite changes it. */
export function etagOf(stats: { readonly ino: bigint; readonly size: bigint; readonly mtimeNs: bigint }): string {
  return `${stats.ino}-${stats.size}-${stats.mtimeNs}`
}

/** Returns the etag and size of a file; undefined when there is none. */
export async function statFile(
  path: string,
): Promise<{ etag: string; sizeBytes: number; mtimeMs: number; changed: string } | undefined> {
  const stats = await stat(path, { bigint: true }).catch(nothingIf(isAbsent))
  if (!stats?.isFile()) return undefined
  const { size, mtimeMs, ctimeNs } = stats
  return { etag: etagOf(stats), sizeBytes: Number(size), mtimeMs: Number(mtimeMs), changed: `${ctimeNs}` }
}

/** Writes a new file in the folder of temporary files, and returns its path. The file is synced to the disk, unless it need not survive a power cut. */
export async function writeTemporary(folder: string, bytes: Uint8Array, survives = true): Promise<string> {
  const path = temporaryPath(folder)
  const file = await inFolderOf(path, () => open(path, 'wx'), dirname(folder))
  try {
    await file.writeFile(bytes)
    if (survives) await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
  return path
}

/** Returns a temporary path that names the host and process, so that the files of an ended process can be removed. */
export function temporaryPath(folder: string): string {
  return join(folder, `${encodeURIComponent(hostname())}~${process.pid}~${randomUUID()}`)
}

/** Links a file to a second name; returns false when that name exists. */
export async function linkNew(from: string, to: string): Promise<boolean> {
  const isThere = (error: unknown): boolean => errnoOf(error) === 'EEXIST'
  const linked = await inFolderOf(to, () => link(from, to).then(() => true)).catch(nothingIf(isThere))
  return linked === true
}

/** Renames a file and makes its folder; a file on another device is first copied to `temporary`. @see makeFolder */
export async function moveFile(from: string, to: string, temporary: string, lasting: string): Promise<void> {
  try {
    await inFolderOf(to, () => rename(from, to), lasting)
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    const copy = temporaryPath(temporary)
    await inFolderOf(copy, () => copyFile(from, copy, constants.COPYFILE_EXCL), dirname(temporary))
    await syncPath(copy)
    await inFolderOf(to, () => rename(copy, to), lasting)
    await rm(from)
  }
}

/** Removes a file if it is there. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch(nothingIf(isAbsent))
}

/** Removes empty folders from `folder` upwards, up to `root`, because object stores have no empty folders. */
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

/** Removes the temporary files of ended processes of this host; files that cannot be removed are left. */
export async function sweepTemporary(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (isLeftTemporary(name)) await rm(join(folder, name), { force: true }).catch(() => undefined)
}

/** Returns whether a temporary file belongs to an ended process of this host. */
export function isLeftTemporary(name: string): boolean {
  const [host, pid] = name.split('~')
  return host === encodeURIComponent(hostname()) && pid !== undefined && !isRunning(Number(pid))
}

/** Returns whether a process of this host is running, even if this process may not signal it. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}
