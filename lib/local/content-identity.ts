/** What a file's content is known by: on disk a hash, remembered so that a file is read for it once; in S3 what S3 says. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store, StoredObject } from '../core/store.ts'
import type { StoreSpec } from '../io/open-store.ts'
import { contentHash } from '../steps/find-inputs.ts'
import type { Session } from './session.ts'

/** The memory is a cache: lost or damaged, it is made again. */
export function contentIdentity(
  session: Pick<Session, 'inputSpec' | 'input' | 'workFolder' | 'owner'>,
): (object: StoredObject) => Promise<string> {
  if (session.inputSpec.kind === 's3') return object => identityInS3(session.input, object)
  const file = join(session.workFolder, 'identities.json')
  const known = readKnown(file)
  return async object => {
    const name = createHash('sha256')
      .update(`${session.input.url}\0${object.key}\0${object.etag}`)
      .digest('hex')
      .slice(0, 24)
    const found = known[name]
    if (found !== undefined) return found
    const hash = await contentHash(session.input, object)
    known[name] = hash
    const temporary = `${file}.${session.owner.id}`
    await writeFile(temporary, JSON.stringify(known))
    await rename(temporary, file)
    return hash
  }
}

/** Without a memory: for a machine that is gone after the run. */
export function inputIdentity(spec: StoreSpec, input: Store): (object: StoredObject) => Promise<string> {
  return object => (spec.kind === 's3' ? identityInS3(input, object) : contentHash(input, object))
}

/** An etag is of the content alone when it was put at once; in pieces the same content has many, but one checksum. */
async function identityInS3(input: Store, object: StoredObject): Promise<string> {
  const checksum = object.etag.includes('-') ? await input.checksum?.(object) : undefined
  return checksum ?? `etag:${object.etag}`
}

function readKnown(file: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  } catch {
    return {}
  }
}
