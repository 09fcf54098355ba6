/** Refuses a task without columns whose records have fields. */

import type { TaskDefinition } from '../define/definition.ts'
import { hasFields } from '../define/formats/format-kind.ts'
import { layoutOf } from '../define/outputs/output-kind.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import type { Store } from '../store/store.ts'

/** Checks that a CSV task declares columns. @throws COLUMNS_MISSING with the columns of its input to paste */
export async function requireColumns(store: Store, task: TaskDefinition, found: FoundInputs): Promise<void> {
  const { name, columns, output, source } = task
  const { format } = source
  if (columns !== undefined || !layoutOf(output) || found.memberCount === 0) return
  if (!format || !hasFields(format)) return
  // Deliberately loaded here, because it brings an engine into this thread.
  const { columnsMissing } = await import('./infer.ts')
  throw await columnsMissing(store, { name, format }, found)
}
