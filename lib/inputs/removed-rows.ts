/** Tells whether the rows of a temporary dataset were removed after every task that reads them was complete. */
import type { TaskDefinition } from '../define/definition.ts'
import { outputKind } from '../define/outputs/output-kind.ts'
import { FanmillError } from '../errors/errors.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { readState } from '../state/files.ts'
import { outputPrefix } from '../state/state.ts'
import type { Store } from '../store/store.ts'

/** A temporary dataset must be written again before a task can read it. */
export class RowsRemoved extends FanmillError {
  override readonly name = 'RowsRemoved'
}

/** Returns the key of the mark that the rows of a dataset were removed: it holds the name of their run, so that later rows have none. */
const markKey = (outputPath: string): string => `${outputPrefix(outputPath)}_REMOVED`

const markOf = ({ runs }: Manifest): string => runs.map(({ runId, attempt }) => `${runId}/${attempt}`).join(' ')

/** Whether the rows that the manifest names were removed. Asks the store only about a temporary dataset. */
export async function areRemoved(
  store: Store,
  { output }: Pick<TaskDefinition, 'output'>,
  { outputPath, manifest }: { readonly outputPath: string; readonly manifest: Manifest },
): Promise<boolean> {
  if (!outputKind(output).isTemporary) return false
  const mark = await readState(store, markKey(outputPath), bytes => new TextDecoder().decode(bytes))
  return mark === markOf(manifest)
}

/** Removes the parts of a dataset, which its manifest names. The manifest stays, so that tasks that read it are still known as complete. */
export async function removeRows(
  store: Store,
  { outputPath, manifest }: { readonly outputPath: string; readonly manifest: Manifest },
): Promise<void> {
  await store.write(markKey(outputPath), new TextEncoder().encode(markOf(manifest)))
  for (const { key } of manifest.parts) await store.remove(outputPrefix(outputPath) + key)
}
