/** Identifies the content of input files: on disk by a hash, which is kept so that a file is read for it once; in S3 by etag or checksum. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreSpec } from '../../store/open-store.ts'
import { type Store, type StoredObject, versionOf } from '../../store/store.ts'
import { contentHash } from './fingerprint.ts'

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
    const name = nameOf(input, object)
    const found = known.get(name)
    if (found !== undefined) return found
    const hash = await contentHash(input, object)
    known.set(name, hash)
    await remember(`${name} ${hash}\n`)
    return hash
  }
}

/**
 * Returns what identifies the content of an object, without reading objects or writing anything: the kept hash, or the etag of one that
 * has none yet because it is new or was written since.
 */
export function knownIdentity({
  input,
  inputSpec,
  workFolder,
}: IdentityPlaces): (object: StoredObject) => Promise<string> {
  if (inputSpec.kind === 's3') return identityInS3(input)
  const known = readKnown(join(workFolder, 'identities'))
  return async object => known.get(nameOf(input, object)) ?? `etag:${object.etag}`
}

const nameOf = ({ url }: Store, object: StoredObject): string =>
  createHash('sha256')
    .update(`${url}\0${object.key}\0${versionOf(object)}`)
    .digest()
    .toString('hex', 0, 12)

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

/** Identifies contents without keeping hashes, for a machine that is gone after the run. */
export function inputIdentity(spec: StoreSpec, input: Store): (object: StoredObject) => Promise<string> {
  return spec.kind === 's3' ? identityInS3(input) : object => contentHash(input, object)
}

/**
 * Uses the ETag when it depends on the content alone (no extra request). Multipart and KMS ETags change on every upload, so for those the
 * object's checksum is fetched; without one, the ETag is used. Whether the bucket uses KMS is learned from the first object.
 */
function identityInS3(input: Store): (object: StoredObject) => Promise<string> {
  const inspect = async (object: StoredObject) => ({ object, marks: await input.inspect?.(object) })
  let first: ReturnType<typeof inspect> | undefined
  return async object => {
    const byEtag = `etag:${object.etag}`
    first ??= inspect(object)
    const known = await first
    if (known.marks?.etagOf !== 'write' && !object.etag.includes('-')) return byEtag
    const { marks } = known.object === object ? known : await inspect(object)
    return marks?.etagOf === 'content' ? byEtag : (marks?.checksum ?? byEtag)
  }
}

/** Reads the kept hashes. A crash may have cut the last line short, so that the next one continues it; such lines are ignored. */
function readKnown(file: string): Map<string, string> {
  try {
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    return new Map(lines.flatMap(line => (knownLine.test(line) ? [line.split(' ') as [string, string]] : [])))
  } catch {
    return new Map()
  }
}

const knownLine = /^[\da-f]{24} [\da-f]{32}$/
