/** Finds the columns that enter a stage, so that its steps are checked before any row is read. */
import type { TaskDefinition } from '../define/definition.ts'
import { stageOf, stagesBefore } from '../define/tasks/task-stages.ts'
import type { SchemaColumn } from './outcome/manifest.ts'
import type { SideColumns } from './plan-data.ts'

/** The columns that inputs show: see `FoundInputs`. */
export interface FoundColumns {
  /** Columns in the paths of the inputs; default as the path template names them. */
  readonly hive?: readonly string[] | undefined
  /** The columns of the dataset that is read, those of `partitionBy` included; absent for other inputs. */
  readonly dataset?: readonly SchemaColumn[] | undefined
  /** The columns of both sides of a join; absent in other stages. */
  readonly sides?: SideColumns | undefined
}

/** The columns that enter a stage. */
export interface StageColumns extends FoundColumns {
  /** The columns that the stage before returns; absent in the first stage. */
  readonly exchanged?: readonly SchemaColumn[] | undefined
}

/** Returns the columns of a stage's inputs, or those that the stages before return; undefined where these are not known. */
export function stageColumns(
  task: TaskDefinition,
  stage: number,
  {
    found,
    schemas,
  }: { readonly found: FoundColumns; readonly schemas: readonly (readonly SchemaColumn[] | undefined)[] },
): StageColumns | undefined {
  const { hive, dataset, sides } = found
  const before = stagesBefore(task, stage)
  if (before.length === 0) {
    if (!sides) return { hive, dataset }
    return stageOf(task, stage).source.kind === 'exchange' ? { sides } : { hive, dataset: sides[stage] }
  }
  const columns = before.map(index => schemas[index] ?? [])
  if (columns.some(each => each.length === 0)) return undefined
  const [first = [], second] = columns
  return second ? { sides: [first, second] } : { exchanged: first }
}
