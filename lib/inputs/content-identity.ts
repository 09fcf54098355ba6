/** What a file's content is known by: on disk a hash, remembered so that a file is read for it once; in S3 what S3 says. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreSpec } from '../store/open-store.ts'
import type { Store, StoredObject } from '../store/store.ts'
import { contentHash } from './content-hash.ts'

export interface IdentityPlaces {
  readonly input: Store
  readonly inputSpec: StoreSpec
  /** Folder of this machine that keeps the hashes. */
  readonly workFolder: string
}

/** Returns what identifies the content of an object. The kept hashes are a cache: lost or damaged, they are made again. */
export function contentIdentity(places: IdentityPlaces): (object: StoredObject) => Promise<string> {
  const { input, inputSpec, workFolder } = places
  if (inputSpec.kind === 's3') return identityInS3(input)
  const file = join(workFolder, 'identities')
  const known = readKnown(file)
  const remember = gatherLines(file)
  return async object => {
    const name = createHash('sha256').update(`${input.url}\0${object.key}\0${object.etag}`).digest('hex').slice(0, 24)
    const found = known.get(name)
    if (found !== undefined) return found
    const hash = await contentHash(input, object)
    known.set(name, hash)
    await remember(`${name} ${hash}\n`)
    return hash
  }
}

/** Appends lines, many at once: a line for each of 100,000 small files would cost more than reading them. */
function gatherLines(file: string): (line: string) => Promise<void> {
  let lines: string[] = []
  let writing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    await new Promise(resolve => setImmediate(resolve))
    const text = lines.join('')
    lines = []
    writing = undefined
    await appendFile(file, text)
  }
  return line => {
    lines.push(line)
    writing ??= write()
    return writing
  }
}

/** Without a memory: for a machine that is gone after the run. */
export function inputIdentity(spec: StoreSpec, input: Store): (object: StoredObject) => Promise<string> {
  return spec.kind === 's3' ? identityInS3(input) : object => contentHash(input, object)
}

/**
 * An etag where it is of the content alone, which nothing is asked for. One of pieces or of a write is another when the same content
 * is uploaded again: those are asked for their checksum, and have their etag when they have none.
 * Whether etags are of writes, as KMS makes them, is told by the object that is asked for first, the same for all.
 */
function identityInS3(input: Store): (object: StoredObject) => Promise<string> {
  const inspect = async (object: StoredObject) => ({ object, marks: await input.inspect?.(object) })
  let first: ReturnType<typeof inspect> | undefined
  return async object => {
    const byEtag = `etag:${object.etag}`
    first ??= inspect(object)
    const told = await first
    if (told.marks?.etagOf !== 'write' && !object.etag.includes('-')) return byEtag
    const { marks } = told.object === object ? told : await inspect(object)
    return marks?.etagOf === 'content' ? byEtag : (marks?.checksum ?? byEtag)
  }
}

/** The last line may be cut short by a crash, and then the next one stands in it. */
function readKnown(file: string): Map<string, string> {
  try {
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    return new Map(lines.flatMap(line => (knownLine.test(line) ? [line.split(' ') as [string, string]] : [])))
  } catch {
    return new Map()
  }
}

const knownLine = /^[\da-f]{24} [\da-f]{32}$/
