/** Lists the objects under the input root that the path template of a source matches. */
import { throwIfAborted } from '../errors/abort.ts'
import { sortInputs } from '../model/run/identity.ts'
import { cutLiteral, globMatcher } from '../paths/glob.ts'
import type { Store, StoredObject } from '../store/store.ts'
import type { FindOptions } from './find-options.ts'
import { isNeverInput, outputTaskOf, partKeyOf, refuseOwnOutput } from './own-outputs.ts'

/** Returns objects by key. @throws INPUT_IS_OUTPUT for what a task of the pipeline wrote, or this run would write */
export async function matchingObjects(options: FindOptions, glob: string): Promise<StoredObject[]> {
  const { input, task, params, outputs = { tasks: [] } } = options
  const taskOf = outputTaskOf(outputs)
  const refuse = (name: string, key: string): never => refuseOwnOutput({ glob, root: input.url, task: name, key })
  const { name, output } = task
  const own = output && partKeyOf(outputs, { name, output }, params)
  if (own !== undefined && globMatcher(glob)(own)) refuse(name, own)
  const objects: StoredObject[] = []
  for await (const object of listMatching(input, glob, options.signal)) {
    const writer = taskOf(object.key)
    if (writer !== undefined) refuse(writer, object.key)
    objects.push(object)
  }
  const matched = sortInputs(objects).slice(0, options.objectsMax)
  options.onMatched?.(matched)
  return matched
}

/** Lists the objects of a store that a glob matches and that may be inputs. */
export async function* listMatching(input: Store, glob: string, signal?: AbortSignal): AsyncGenerator<StoredObject> {
  const matches = globMatcher(glob)
  for await (const object of mayMatch(input, glob)) {
    throwIfAborted(signal)
    if (matches(object.key) && !isNeverInput(object.key)) yield object
  }
}

/** A file that is named whole is looked at alone on a disk: its folder may have one for each node of a graph, and would be read for each. */
async function* mayMatch(input: Store, glob: string): AsyncGenerator<StoredObject> {
  const { literal, rest } = cutLiteral(glob)
  const isKey = rest === '' && literal.split('/').every(name => !['', '.', '..'].includes(name))
  if (!isKey || !input.fileOf) return yield* input.list(literal)
  const found = await input.stat(literal)
  if (found) yield found
}
