/** The part of a task's definition that the engine needs, with its parameters resolved. */
import { hiveNamesOf } from '../define/columns/hive-names.ts'
import type { Columns, Format, ParamValues, RowCheck, SqlStep, Step, TaskDefinition } from '../define/definition.ts'
import { outputKind } from '../define/outputs/output-kind.ts'
import { datasetSource } from '../define/sources/source-paths.ts'
import type { ExchangeOutput } from '../define/steps/exchange-definition.ts'
import type { JoinStep } from '../define/steps/join-definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { resolveConditions, resolveSteps, sourceWhere } from '../model/run/resolve-task.ts'
import type { PartOptions } from './write/write-parts.ts'

export interface EngineTask {
  readonly format: Format
  readonly columns: Columns
  readonly steps: readonly Step[]
  /** Names of the broadcast tables, which the engine has loaded. */
  readonly tables: readonly string[]
  readonly strict: boolean
  readonly provenance: readonly string[]
  /** Names of columns in the paths of the inputs that are known before there are inputs. Default none. */
  readonly hive?: readonly string[]
  /** Looks for columns in the paths of inputs. Default true. */
  readonly readsHive?: boolean
  /** Leaves the check of the transform to `check`, or to the first conversion. Default false. */
  readonly isCheckedLater?: boolean
  /** For Parquet files and JSON lines (headers of text are checked when it is staged), and for `_new`. Default `ignore`. */
  readonly onNewColumn?: TaskDefinition['onNewColumn']
  /** For Parquet files. Default `fail`. */
  readonly onMissingColumn?: TaskDefinition['onMissingColumn']
  readonly parts: PartOptions
  readonly exchange?: ExchangeOutput | undefined
  /** The columns of the key, when the files are those of an exchange. */
  readonly exchangedBy?: readonly string[] | undefined
  /** Set when the files are those of both sides of a join. */
  readonly join?: JoinStep | undefined
  /** Conditions on the rows as they are read, which are steps too: they show what need not be read. Default none. */
  readonly conditions?: readonly SqlStep[] | undefined
  /** The columns of a dataset that are read. Default all. */
  readonly datasetColumns?: readonly string[] | undefined
  /** Whether the first of the conditions is that of the source, which may use columns beside `datasetColumns`. Default false. */
  readonly hasSourceWhere?: boolean
  /** Default none. */
  readonly checks?: readonly RowCheck[] | undefined
}

/** @throws DEFINITION_INVALID for a task that reads no rows; and errors of step functions of the parameters */
export function engineTask(
  task: TaskDefinition,
  { params, strict = task.strict }: { readonly params: ParamValues; readonly strict?: boolean | undefined },
): EngineTask {
  const { output, source, columns = {}, provenance, onNewColumn, onMissingColumn, checks } = task
  const { layout: parts, exchange } = outputKind(output)
  if (!parts || !source.format)
    throw new PermanentError('DEFINITION_INVALID', `task ${task.name}: a format is needed to read rows`)
  return {
    format: source.format,
    columns,
    steps: resolveSteps(task, params),
    conditions: resolveConditions(task, params),
    hasSourceWhere: sourceWhere(source) !== undefined,
    datasetColumns: datasetSource(source)?.columns,
    tables: Object.keys(task.tables),
    hive: hiveNamesOf(source),
    readsHive: source.hive !== false,
    strict,
    provenance,
    onNewColumn,
    onMissingColumn,
    parts,
    exchange,
    exchangedBy: source.kind === 'exchange' ? source.by : undefined,
    join: source.kind === 'exchange' ? source.join : undefined,
    checks,
  }
}
