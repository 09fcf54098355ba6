/** Finds a task's inputs, pins them, and cuts them into slices. */
import { layoutOf } from '../define/outputs/output-kind.ts'
import { throwIfAborted } from '../errors/abort.ts'
import type { InputObject } from '../model/plan-data.ts'
import { hiveColumns } from '../paths/hive-columns.ts'
import type { FindOptions, FoundInputs } from './find-options.ts'
import { findSource } from './source-kind.ts'

export type { FindOptions, FoundInputs } from './find-options.ts'

/** Finds the inputs of a task. @throws NO_INPUT with the nearest names, unless `onEmpty` allows none; ZIP_*; the reason of an abort, or ABORTED */
export async function findInputs(options: FindOptions): Promise<FoundInputs> {
  const { task, signal } = options
  const { found: objects, noInputError } = await findSource(task.source, options)
  const found = { ...objects, hive: pathColumns(task, objects.inputs) }
  throwIfAborted(signal)
  if (found.memberCount === 0 && task.onEmpty === 'fail') throw await noInputError()
  return found
}

/** Returns the columns in the paths of the inputs. @throws INPUT_INVALID where paths have different columns that are not declared */
function pathColumns(
  { source, columns = {}, output }: FindOptions['task'],
  inputs: readonly InputObject[],
): readonly string[] {
  if (source.hive === false || (output && !layoutOf(output))) return []
  return hiveColumns(
    inputs.map(({ key }) => key),
    Object.keys(columns),
  )
}
