/** Chooses the columns of the sides of a join that are read where no stage before the join leaves any out. */
import type { JoinSource } from '../../define/definition.ts'
import type { JoinSide } from '../../define/steps/join-definition.ts'
import { PermanentError } from '../../errors/errors.ts'
import { nearestOrAll } from '../../errors/nearest.ts'
import type { SchemaColumn } from '../../model/outcome/manifest.ts'
import type { SideColumns } from '../../model/plan-data.ts'
import type { FoundObjects } from '../find-options.ts'

/** Returns the columns of both sides that are read. @throws COLUMN_MISSING for one that the dataset does not have */
export function chooseColumns(
  task: string,
  source: JoinSource,
  [left, right]: readonly [FoundObjects, FoundObjects],
): SideColumns {
  const chosen = (side: JoinSide, all: readonly SchemaColumn[] = []): readonly SchemaColumn[] => {
    const { columns } = source[side]
    const names = all.map(({ name }) => name)
    const missing = columns?.find(name => !names.includes(name))
    if (missing === undefined) return columns ? all.filter(({ name }) => columns.includes(name)) : all
    const message = `task ${task}: joinOf: ${side}: columns: expected columns of the dataset, got ${missing}; ${nearestOrAll(missing, names)}`
    throw new PermanentError('COLUMN_MISSING', message, { task, side, missing, columns: names })
  }
  return [chosen('left', left.dataset), chosen('right', right.dataset)]
}
