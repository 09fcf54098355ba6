/** Checks that a path can be a pipeline, before anything is bundled. */
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { PermanentError } from '../errors/errors.ts'

const extensions = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.tsx', '.jsx']

/** `what` names it in messages. @throws DEFINITION_LOAD when the path does not exist, or is a folder or a file other than TypeScript or JavaScript */
export async function checkPipelineFile(file: string, what = 'a pipeline file'): Promise<void> {
  const refusal = (problem: string, options?: ErrorOptions): PermanentError =>
    new PermanentError('DEFINITION_LOAD', `expected ${what}, ${problem}`, { file }, options)
  const found = await stat(file).catch((cause: Error) => {
    throw refusal(`found none at ${file}`, { cause })
  })
  if (found.isDirectory()) throw refusal(`got the folder ${file}${await filesIn(file)}`)
  if (!extensions.includes(extname(file))) throw refusal(`got ${file}, which ends in none of ${extensions.join(', ')}`)
}

/** Limit on the files that a message names. */
const namedMax = 5

async function filesIn(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter(name => extensions.includes(extname(name))).sort()
  if (names.length === 0) return ', which holds none'
  const shown = names.slice(0, namedMax).map(name => join(folder, name))
  return `; it holds ${shown.join(', ')}${names.length > namedMax ? ' and others' : ''}`
}
