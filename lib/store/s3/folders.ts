/** Lists the folders of a bucket with few requests; S3 itself lists only one level. */

import type { FolderListOptions } from '../store.ts'
import type { S3Access } from './access.ts'

/** Number of folders whose subfolders are listed by one chain of requests: a page of a thousand keys holds fifty runs of twenty files. */
const foldersPerChain = 50
const chainsAtOnce = 16
/** Sorts after every character of a key: a listing that starts after it begins with the next folder. */
const lastCharacter = '\u{10FFFF}'

/**
 * Yields the keys of the folders below a folder. One level costs one request per thousand folders. For two levels the objects of fifty
 * folders are listed together, and the rest of a folder in which a page ended is skipped: at most one request per thousand objects plus
 * one per folder.
 */
export async function* listS3Folders(
  access: S3Access,
  prefix: string,
  { depth = 1, signal }: FolderListOptions,
): AsyncGenerator<string> {
  const above = listLevel(access, prefix, signal)
  if (depth === 1) return yield* above
  const keys = await Array.fromAsync(above)
  const chains: string[][] = []
  for (let start = 0; start < keys.length; start += foldersPerChain)
    chains.push(keys.slice(start, start + foldersPerChain))
  for (let start = 0; start < chains.length; start += chainsAtOnce) {
    const some = chains.slice(start, start + chainsAtOnce)
    yield* (await Promise.all(some.map(chain => listSubfolders(access, prefix, { folders: chain, signal })))).flat()
  }
}

async function* listLevel(access: S3Access, prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
  for await (const { CommonPrefixes = [] } of access.listPages(prefix, { Delimiter: '/' }, signal))
    for (const { Prefix = '' } of CommonPrefixes) yield Prefix.slice(access.spec.prefix.length)
}

/** Returns the folders in some folders that follow each other below `prefix`. */
async function listSubfolders(
  access: S3Access,
  prefix: string,
  { folders, signal }: { readonly folders: readonly string[]; readonly signal: AbortSignal | undefined },
): Promise<string[]> {
  const wanted = new Set(folders)
  const last = folders.at(-1) ?? ''
  const found = new Set<string>()
  let after: string | undefined = folders[0]
  while (after !== undefined) {
    const page = await access.listPage(prefix, { StartAfter: access.spec.prefix + after }, signal)
    const keys = (page.Contents ?? []).map(({ Key = '' }) => Key.slice(access.spec.prefix.length))
    for (const key of keys) {
      const [name = '', below, ...rest] = key.slice(prefix.length).split('/')
      if (rest.length > 0 && wanted.has(`${prefix}${name}/`)) found.add(`${prefix}${name}/${below}/`)
    }
    after = page.IsTruncated ? nextStart(keys.at(-1) ?? '', prefix, last) : undefined
  }
  return [...found]
}

/** Returns the key after which the next page begins, the end of the folder of the last key; undefined after the last folder. */
function nextStart(lastKey: string, prefix: string, lastFolder: string): string | undefined {
  const [name = '', below = '', ...rest] = lastKey.slice(prefix.length).split('/')
  if (Buffer.compare(Buffer.from(`${prefix}${name}/`), Buffer.from(lastFolder)) > 0) return undefined
  return rest.length === 0 ? lastKey : `${prefix}${name}/${below}/${lastCharacter}`
}
