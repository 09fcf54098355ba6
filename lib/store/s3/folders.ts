/** Lists the folders of a bucket with few requests: S3 itself knows only one level of them. */

import { throwIfAborted } from '../../errors/abort.ts'
import type { FolderListOptions } from '../store.ts'
import type { S3Access } from './access.ts'

/** Folders whose own folders are listed by one chain of requests: a page of a thousand keys holds as many runs of twenty files. */
const foldersPerChain = 50
const chainsAtOnce = 16
/** Sorts after every character of a key, so that a listing after it begins with the next folder. */
const lastCharacter = '\u{10FFFF}'

/**
 * Keys of the folders below a folder. One level costs a request a thousand folders. For two levels the objects of fifty folders are listed
 * together, and what is left of a folder that a page ended in is skipped: at most a request a thousand objects, and a request a folder.
 */
export async function* listS3Folders(
  access: S3Access,
  prefix: string,
  { depth = 1, signal }: FolderListOptions,
): AsyncGenerator<string> {
  const above = oneLevel(access, prefix, signal)
  if (depth === 1) return yield* above
  const keys = await Array.fromAsync(above)
  const chains: string[][] = []
  for (let start = 0; start < keys.length; start += foldersPerChain)
    chains.push(keys.slice(start, start + foldersPerChain))
  for (let start = 0; start < chains.length; start += chainsAtOnce) {
    const some = chains.slice(start, start + chainsAtOnce)
    yield* (await Promise.all(some.map(chain => foldersIn(access, prefix, { folders: chain, signal })))).flat()
  }
}

async function* oneLevel(access: S3Access, prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
  let token: string | undefined
  do {
    const page = await listPage(access, prefix, { Delimiter: '/', ...(token && { ContinuationToken: token }) }, signal)
    for (const { Prefix = '' } of page.CommonPrefixes ?? []) yield Prefix.slice(access.spec.prefix.length)
    token = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

/** The folders in some folders that follow each other below `prefix`. */
async function foldersIn(
  access: S3Access,
  prefix: string,
  { folders, signal }: { readonly folders: readonly string[]; readonly signal: AbortSignal | undefined },
): Promise<string[]> {
  const wanted = new Set(folders)
  const last = folders.at(-1) ?? ''
  const found = new Set<string>()
  let after: string | undefined = folders[0]
  while (after !== undefined) {
    const page = await listPage(access, prefix, { StartAfter: access.spec.prefix + after }, signal)
    const keys = (page.Contents ?? []).map(({ Key = '' }) => Key.slice(access.spec.prefix.length))
    for (const key of keys) {
      const [name = '', below, ...rest] = key.slice(prefix.length).split('/')
      if (rest.length > 0 && wanted.has(`${prefix}${name}/`)) found.add(`${prefix}${name}/${below}/`)
    }
    after = page.IsTruncated ? nextStart(keys.at(-1) ?? '', prefix, last) : undefined
  }
  return [...found]
}

/** The key after which the next page begins: the end of the folder that the last key lies in; undefined behind the last folder. */
function nextStart(lastKey: string, prefix: string, lastFolder: string): string | undefined {
  const [name = '', below = '', ...rest] = lastKey.slice(prefix.length).split('/')
  if (Buffer.compare(Buffer.from(`${prefix}${name}/`), Buffer.from(lastFolder)) > 0) return undefined
  return rest.length === 0 ? lastKey : `${prefix}${name}/${below}/${lastCharacter}`
}

function listPage(
  access: S3Access,
  prefix: string,
  from: { readonly Delimiter?: string; readonly StartAfter?: string; readonly ContinuationToken?: string },
  signal: AbortSignal | undefined,
) {
  throwIfAborted(signal)
  const input = { Bucket: access.spec.bucket, Prefix: access.spec.prefix + prefix, ...from }
  return access.send('list', prefix, ({ calls }) => calls.list(input, signal), signal)
}
