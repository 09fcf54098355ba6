/** Lists a folder like an object store: every file below a key prefix, in the order of UTF-8 bytes. */
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { nothingIf } from '../../errors/expected.ts'
import { isAbsent } from './fault.ts'

/** Deeper than any real tree; ends a loop of links that `realpath` does not show. */
const depthMax = 100

/**
 * Yields the keys of the files that begin with a prefix. Folders outside the prefix, and those that `skips` returns true for, are not
 * read. Links are followed, except into a folder that contains them. Memory: the names of one folder per level.
 */
export async function* listKeys(root: string, prefix: string, skips: (key: string) => boolean): AsyncGenerator<string> {
  yield* walk({ root, prefix, skips, above: [] }, prefix.slice(0, prefix.lastIndexOf('/') + 1))
}

/** Folders that `listFolders` reads at once: enough to keep the thread pool busy. */
const foldersAtOnce = 64

/**
 * Yields the keys of the folders `depth` levels below the folder of a key prefix, without those that `skips` returns true for.
 * Memory: the names of one level.
 */
export async function* listFolderKeys(
  root: string,
  folderKey: string,
  { depth, skips }: { readonly depth: number; readonly skips: (key: string) => boolean },
): AsyncGenerator<string> {
  const children = (await childrenOf(root, folderKey)).filter(child => child.isFolder)
  const keys = children.map(({ name }) => folderKey + name).filter(key => !skips(key))
  if (depth === 1) return yield* keys
  for (let start = 0; start < keys.length; start += foldersAtOnce) {
    const some = keys.slice(start, start + foldersAtOnce)
    const below = some.map(key => Array.fromAsync(listFolderKeys(root, key, { depth: depth - 1, skips })))
    yield* (await Promise.all(below)).flat()
  }
}

interface Walk {
  readonly root: string
  readonly prefix: string
  readonly skips: (key: string) => boolean
  /** Real paths of the parent folders that were reached through links. */
  readonly above: readonly string[]
}

async function* walk(at: Walk, folderKey: string): AsyncGenerator<string> {
  if (at.skips(folderKey) || folderKey.split('/').length > depthMax) return
  for (const entry of await childrenOf(at.root, folderKey)) {
    const key = folderKey + entry.name
    if (!key.startsWith(at.prefix)) continue
    if (!entry.isFolder) {
      if (!at.skips(key)) yield key
      continue
    }
    if (!entry.isLink) yield* walk(at, key)
    else {
      const path = await realpath(join(at.root, key))
      if (!at.above.includes(path)) yield* walk({ ...at, above: [...at.above, path] }, key)
    }
  }
}

interface Child {
  /** Name; a folder's ends with a slash, so that it sorts like its keys. */
  readonly name: string
  readonly isFolder: boolean
  readonly isLink: boolean
}

async function childrenOf(root: string, folderKey: string): Promise<Child[]> {
  const folder = join(root, folderKey)
  const entries = (await readdir(folder, { withFileTypes: true }).catch(nothingIf(isAbsent))) ?? []
  const children: { child: Child; bytes: Buffer }[] = []
  for (const entry of entries) {
    const child = await childOf(folder, entry)
    if (child) children.push({ child, bytes: Buffer.from(child.name) })
  }
  return children.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ child }) => child)
}

async function childOf(folder: string, entry: Dirent): Promise<Child | undefined> {
  if (entry.isFile()) return { name: entry.name, isFolder: false, isLink: false }
  if (entry.isDirectory()) return { name: `${entry.name}/`, isFolder: true, isLink: false }
  if (!entry.isSymbolicLink()) return undefined
  const target = await stat(join(folder, entry.name)).catch(() => undefined)
  if (target?.isFile()) return { name: entry.name, isFolder: false, isLink: true }
  return target?.isDirectory() ? { name: `${entry.name}/`, isFolder: true, isLink: true } : undefined
}
