/** Files beside a pipeline, as its functions read them: on this machine from its folder, on Lambda from what was shipped. */
import { readFileSync, statSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import type { UserFile } from '../define/row-types.ts'
import { PermanentError } from '../errors/errors.ts'

/** @throws NO_INPUT when it is not there, or not below the pipeline's folder */
export function userFile(folder: string, name: string): UserFile {
  const path = join(resolve(folder), name)
  if (!path.startsWith(resolve(folder) + sep)) throw missing(name, 'expected a path below the folder of the pipeline')
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw missing(name, 'expected a file beside the pipeline, found none; where it is deployed, name it in `include`')
  return {
    path,
    bytes: () => readFileSync(path),
    text: () => readFileSync(path, 'utf8'),
    json: () => JSON.parse(readFileSync(path, 'utf8')) as unknown,
  }
}

const missing = (name: string, message: string): PermanentError =>
  new PermanentError('NO_INPUT', `ctx.file(${JSON.stringify(name)}): ${message}`, { file: name })
