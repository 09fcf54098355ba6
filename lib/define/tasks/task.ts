/** Builds tasks, and adds steps to them. */
import * as v from 'valibot'
import { record } from '../../errors/record-schema.ts'
import { check, options, piece } from '../check.ts'
import { column } from '../columns/column.ts'
import { type ProvenanceColumn, provenanceColumns } from '../columns/provenance.ts'
import type { AnyRow, InputRow, ParamValuesOf } from '../columns/row-types.ts'
import type {
  Columns,
  Params,
  Source,
  SqlStep,
  StepDefinition,
  TableDefinition,
  TaskDefinition,
} from '../definition.ts'
import { formatKind } from '../formats/format-kind.ts'
import { frozen, withHidden } from '../freeze.ts'
import type { Output } from '../outputs/output-definition.ts'
import { userOutputKinds } from '../outputs/output-kind.ts'
import { anyFunction, columns as columnsSchema, definitionName, filledText, flag, oneOf, text } from '../schemas.ts'
import type { RowOfSource } from '../sources/read-rows.ts'
import { distinctStep, exchangeStep, reduceStep } from '../steps/exchange.ts'
import { sql } from '../steps/sql.ts'
import { mapBatches, mapRows } from '../steps/steps.ts'
import { inheritedParams } from './inherited-params.ts'
import { withRequiredTasks } from './required-tasks.ts'
import type { Requirements } from './requirement-definition.ts'
import { paramMethods } from './requirements.ts'
import { checkTask, missingByDefault } from './task-checks.ts'
import type { AnyTaskOptions, TaskOptions } from './task-options.ts'
import { graphOptions, identifier, paramsByName, requirementsFrom, secretsByName, subjectOf } from './task-schemas.ts'
import type { Task } from './task-type.ts'

/**
 * One task: a source, its columns, and an output. Steps follow as methods, in the order in which they run; the compiler knows
 * the rows of each from `columns` and the steps before.
 * @example
 * task({
 *   name: 'flights',
 *   source: files({ paths: 'incoming/*.csv', format: csv() }),
 *   columns: { date: column.timestamp(), delay: column.int32() },
 *   output: parquet({ path: '{task}', partitionBy: ['season'] }),
 * }).mapRows(row => ({ season: season(row.date) }), { adds: { season: column.string() } })
 * @throws DEFINITION_INVALID with the option's path, what was expected and what was received; OUTPUT_AMBIGUOUS when a parameter is not in the output's path
 */
export function task<
  const C extends Columns,
  const P extends Params,
  State,
  InPath extends string = string,
  const Provenance extends ProvenanceColumn = never,
  Uses extends string = never,
  SourceRow = AnyRow,
  const Required extends Requirements = Requirements,
>(
  given: TaskOptions<C, P, State, InPath, Provenance, Uses, SourceRow, Required>,
): Task<
  InputRow<C, InPath, Provenance, RowOfSource<SourceRow, Required>>,
  ParamValuesOf<P>,
  State,
  string extends InPath ? never : Uses
>
export function task(given: AnyTaskOptions): unknown {
  return taskWithSteps(given, [])
}

/** Returns the task of these options and steps. */
export function taskWithSteps(given: AnyTaskOptions, steps: readonly StepDefinition[]): Task {
  const data = build(given, steps)
  // The types of rows follow from the methods' signatures, which this function does not know.
  const withStep = (step: StepDefinition) => taskWithSteps(given, [...steps, step]) as never
  const methods: Omit<Task, keyof TaskDefinition> = {
    sql: (first: unknown, ...values: unknown[]) => {
      if (typeof first === 'function') return withStep(first as StepDefinition)
      const built = Reflect.apply(sql, undefined, [first, ...values])
      // With options, a template follows.
      if (typeof built !== 'function') return withStep(built)
      return ((...template: unknown[]) => withStep(Reflect.apply(built, undefined, template))) as never
    },
    mapRows: (map, options) => withStep(mapRows(map as never, options)),
    mapBatches: (map, options) => withStep(mapBatches(map as never, options)),
    exchange: options => withStep(exchangeStep(options)),
    reduce: options => withStep(reduceStep(options)),
    distinct: options => withStep(distinctStep(options)),
    with: changes => taskWithSteps({ ...given, ...changes }, steps) as never,
    ...paramMethods(data.name, () => made),
  }
  const made: Task = withHidden(data, methods) as Task
  return made
}

function build(given: AnyTaskOptions, steps: readonly StepDefinition[]): TaskDefinition {
  const subject = subjectOf('task', given)
  const checked = check(subject, taskOptions, given)
  const { tables = {}, rejects = { max: 0 }, strict = true, onNewColumn = 'ignore' } = checked
  const { onEmpty = 'fail', provenance = [] } = checked
  const requires = requirementsFrom(given.requires)
  const source = withRequiredTasks(subject, checked.source, requires)
  const params = inheritedParams(subject, {
    own: checked.params ?? {},
    source,
    tables,
    requires,
    discover: given.discover,
  })
  const definition = frozen<TaskDefinition>({
    ...{ kind: 'task', ...checked, params, source },
    columns: checked.columns ?? columnsOfLines(source),
    ...{ tables, transform: steps, rejects, strict, onNewColumn },
    where: checked.where as TaskDefinition['where'],
    checks: checked.checks as TaskDefinition['checks'],
    onMissingColumn: checked.onMissingColumn ?? missingByDefault(source),
    ...{ onEmpty, provenance, requires },
    setup: given.setup,
    discover: given.discover,
  })
  checkTask(subject, definition)
  return definition
}

/** Returns the columns of a `lines` format without `columns`: its named groups, as strings. */
function columnsOfLines(source: Source): Columns | undefined {
  const names = source.format && formatKind(source.format).ownColumns
  return names && Object.fromEntries(names.map(name => [name, column.string()]))
}

const sqlText = 'sql`…`, or a function of the params that returns it'

const shareText = 'a whole number from 0 up, or a share from 0% to 100% such as 0.5%'
const rejectMax = v.custom<TaskDefinition['rejects']['max']>(value => isCount(value) || isShare(value), shareText)

const anyOutput = userOutputKinds
  .map(name => `${name}({ … })`)
  .join(', ')
  .replace(/, (?=[^,]*$)/, ' or ')

const rowCheck = options({ that: piece<SqlStep>('sql`…`', ['sql']), reason: filledText })

const taskOptions = options(
  {
    name: definitionName,
    doc: v.optional(text),
    params: v.optional(paramsByName),
    source: piece<Source>(
      'zipMembers({ … }), files({ … }), rowsFrom({ … }), items(…), partitionsOf(…), joinOf(…) or deltaTable({ … })',
      ['zipMembers', 'files', 'rowsFrom', 'items', 'partitionsOf', 'joinOf', 'deltaTable'],
    ),
    columns: v.optional(columnsSchema),
    tables: v.optional(
      record(
        v.pipe(
          identifier,
          v.check(name => name.toLowerCase() !== 'input', 'a name other than input, which is the rows themselves'),
        ),
        piece<TableDefinition>('table(…)', ['table']),
        'tables by name',
      ),
    ),
    where: v.optional(v.union([piece<SqlStep>(sqlText, ['sql']), v.function()], sqlText)),
    output: piece<Output>(anyOutput, userOutputKinds),
    checks: v.optional(v.array(rowCheck, 'a list of { that: sql`…`, reason }')),
    rejects: v.optional(options({ max: rejectMax })),
    strict: v.optional(flag),
    onNewColumn: v.optional(oneOf(['ignore', 'fail', 'keep'])),
    onMissingColumn: v.optional(oneOf(['fail', 'null'])),
    onEmpty: v.optional(oneOf(['fail', 'succeed'])),
    provenance: v.optional(v.array(oneOf(provenanceColumns), `a list of ${provenanceColumns.join(', ')}`)),
    setup: v.optional(anyFunction),
    secrets: v.optional(secretsByName),
    version: v.optional(filledText),
    ...graphOptions,
  },
  {
    transform: 'the steps .sql`…`, .mapRows(…) or .mapBatches(…) after task({ … })',
    ...Object.fromEntries(
      ['sql', 'mapRows', 'mapBatches', 'reduce', 'distinct', 'exchange'].map(name => [
        name,
        `the step .${name}(…) after task({ … })`,
      ]),
    ),
    timeout: 'timeoutSeconds',
    depends: 'requires',
    dependsOn: 'requires',
  },
)

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isShare(value: unknown): boolean {
  return typeof value === 'string' && /^\d+(\.\d+)?%$/.test(value) && Number(value.slice(0, -1)) <= 100
}
