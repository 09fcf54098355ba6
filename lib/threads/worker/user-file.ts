/** Reads files beside a pipeline for `ctx.file()`: from its folder on this machine, from the function's package on Lambda. */
import { readFileSync, statSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import type { UserFile } from '../../define/columns/row-types.ts'
import { PermanentError } from '../../errors/errors.ts'

/** @throws NO_INPUT when the file does not exist, or is not below the pipeline's folder */
export function userFile(folder: string, name: string): UserFile {
  const path = join(resolve(folder), name)
  if (!path.startsWith(resolve(folder) + sep))
    throw missing(name, 'expected a path below the folder of the pipeline; move the file there')
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw missing(name, 'expected a file beside the pipeline, found none; for a deployed pipeline, add it to `include`')
  return {
    path,
    bytes: () => readFileSync(path),
    text: () => readFileSync(path, 'utf8'),
    json: () => JSON.parse(readFileSync(path, 'utf8')) as unknown,
  }
}

const missing = (name: string, message: string): PermanentError =>
  new PermanentError('NO_INPUT', `ctx.file(${JSON.stringify(name)}): ${message}`, { file: name })
