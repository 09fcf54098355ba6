/** Content hashes of files on disk, remembered by what the file system says of them, so that a file is read for it once. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredObject } from '../core/store.ts'
import { contentHash } from '../steps/find-inputs.ts'
import type { Session } from './session.ts'

/** The memory is a cache: lost or damaged, it is made again. */
export function contentIdentity(session: Pick<Session, 'input' | 'outputFolder' | 'owner'>): (object: StoredObject) => Promise<string> {
  const file = join(session.outputFolder, '.fanmill', 'identities.json')
  const known = readKnown(file)
  return async object => {
    const name = createHash('sha256').update(`${session.input.url}\0${object.key}\0${object.etag}`).digest('hex').slice(0, 24)
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

function readKnown(file: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  } catch {
    return {}
  }
}
