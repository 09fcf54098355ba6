/** The builder of tasks. */
import * as v from 'valibot'
import { check, invalid, options, piece } from './check.ts'
import { column } from './column.ts'
import type {
  Columns,
  Output,
  ParamDefinition,
  Params,
  SecretDefinition,
  Source,
  SqlStep,
  StepOf,
  TableDefinition,
  TaskDefinition,
} from './definition.ts'
import { frozen, type Refined, refinable } from './freeze.ts'
import { groupNames } from './line-pattern.ts'
import { provenanceColumns } from './provenance.ts'
import type { RowOf } from './row-types.ts'
import { anyFunction, columns as columnsSchema, filledText, flag, oneOf, text } from './schemas.ts'
import { checkTask, missingByDefault } from './task-checks.ts'
import type { AnyTaskOptions, RowAfterStep, TaskOptions, TypedStepOf } from './task-options.ts'

export type Task = Refined<TaskDefinition, AnyTaskOptions>

/**
 * One task: a source, its columns, steps, and an output.
 * Steps stand in `transform`, or after the options; there the compiler knows their rows and context from `columns`, `params` and the steps before.
 * @throws DEFINITION_INVALID with the option's path, what was expected and what came; OUTPUT_AMBIGUOUS when a parameter is not in the output's path
 */
export function task<const C extends Columns, const P extends Params, State, Adds1, Adds2, Adds3, Adds4>(
  given: TaskOptions<C, P, State>,
  step1?: TypedStepOf<RowOf<C>, P, State, Adds1>,
  step2?: TypedStepOf<RowAfterStep<RowOf<C>, Adds1>, P, State, Adds2>,
  step3?: TypedStepOf<RowAfterStep<RowAfterStep<RowOf<C>, Adds1>, Adds2>, P, State, Adds3>,
  step4?: TypedStepOf<RowAfterStep<RowAfterStep<RowAfterStep<RowOf<C>, Adds1>, Adds2>, Adds3>, P, State, Adds4>,
  ...more: StepOf[]
): Task
export function task(given: AnyTaskOptions, ...steps: (StepOf | undefined)[]): Task {
  const following = steps.filter(step => step !== undefined)
  if (following.length === 0) return build(given)
  if (given.transform !== undefined)
    throw invalid(subjectOf(given), 'transform: expected steps here or after the options, got both')
  return build({ ...given, transform: following })
}

/** The rule for names of tasks and pipelines: they become parts of paths and of cloud resources' names. */
export const definitionName = v.pipe(
  v.string('a name'),
  v.regex(/^[a-z0-9][a-z0-9-]*$/, 'a name of lower case letters, digits and hyphens'),
)

function build(given: AnyTaskOptions): Task {
  const subject = subjectOf(given)
  const checked = check(subject, taskOptions, given)
  const { transform = [], params = {}, tables = {} } = checked
  const data: TaskDefinition = {
    kind: 'task',
    name: checked.name,
    doc: checked.doc,
    params,
    source: checked.source,
    columns: checked.columns ?? columnsOfLines(checked.source),
    tables,
    transform: (Array.isArray(transform) ? transform : [transform]) as readonly StepOf[],
    where: checked.where as TaskDefinition['where'],
    output: checked.output,
    checks: checked.checks as TaskDefinition['checks'],
    rejects: checked.rejects ?? { max: 0 },
    strict: checked.strict ?? true,
    onNewColumn: checked.onNewColumn ?? 'ignore',
    onMissingColumn: checked.onMissingColumn ?? missingByDefault(checked.source),
    onEmpty: checked.onEmpty ?? 'fail',
    provenance: checked.provenance ?? [],
    setup: given.setup,
    secrets: checked.secrets,
    version: checked.version,
  }
  const definition = frozen(data)
  checkTask(subject, definition)
  return refinable(definition, given, build)
}

/** Lines are read by named groups: strings, unless the task says other types. */
function columnsOfLines(source: Source): Columns | undefined {
  if (source.format?.kind !== 'lines') return undefined
  return Object.fromEntries(groupNames(source.format.pattern).map(name => [name, column.string()]))
}

function subjectOf(given: unknown): string {
  const name = typeof given === 'object' && given !== null && 'name' in given ? given.name : undefined
  return typeof name === 'string' && name !== '' ? `task ${name}` : 'task'
}

const identifier = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of letters, digits and underscores that begins with no digit'),
)
const stepText = 'sql`…`, mapRows(…), mapBatches(…), or a function of the params that gives one'
const step = v.union([piece(stepText, ['sql', 'mapRows', 'mapBatches']), v.function()], stepText)
const sqlText = 'sql`…`, or a function of the params that gives it'

const shareText = 'a whole number from 0 up, or a share from 0% to 100% such as 0.5%'
const rejectMax = v.custom<TaskDefinition['rejects']['max']>(value => isCount(value) || isShare(value), shareText)

const rowCheck = options({ that: piece<SqlStep>('sql`…`', ['sql']), reason: filledText })

const taskOptions = options({
  name: definitionName,
  doc: v.optional(text),
  params: v.optional(
    v.record(
      v.pipe(
        identifier,
        v.check(name => name !== 'task' && name !== 'salt', 'a name other than task and salt, which paths use already'),
      ),
      piece<ParamDefinition>('a parameter such as param.string()', ['param']),
      'parameters by name',
    ),
  ),
  source: piece<Source>('zipMembers({ … }) or files({ … })', ['zipMembers', 'files']),
  columns: v.optional(columnsSchema),
  tables: v.optional(
    v.record(
      v.pipe(
        identifier,
        v.check(name => name.toLowerCase() !== 'input', 'a name other than input, which is the rows themselves'),
      ),
      piece<TableDefinition>('table(path, format)', ['table']),
      'tables by name',
    ),
  ),
  transform: v.optional(v.union([step, v.array(step)], `${stepText}, or a list of them`)),
  where: v.optional(v.union([piece<SqlStep>(sqlText, ['sql']), v.function()], sqlText)),
  output: piece<Output>('parquet({ … }) or memberFiles({ … })', ['parquet', 'memberFiles']),
  checks: v.optional(v.array(rowCheck, 'a list of { that: sql`…`, reason }')),
  rejects: v.optional(options({ max: rejectMax })),
  strict: v.optional(flag),
  onNewColumn: v.optional(oneOf(['ignore', 'fail', 'keep'])),
  onMissingColumn: v.optional(oneOf(['fail', 'null'])),
  onEmpty: v.optional(oneOf(['fail', 'succeed'])),
  provenance: v.optional(v.array(oneOf(provenanceColumns), `a list of ${provenanceColumns.join(', ')}`)),
  setup: v.optional(anyFunction),
  secrets: v.optional(v.record(identifier, piece<SecretDefinition>("secret('name')", ['secret']), 'secrets by name')),
  version: v.optional(filledText),
})

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isShare(value: unknown): boolean {
  return typeof value === 'string' && /^\d+(\.\d+)?%$/.test(value) && Number(value.slice(0, -1)) <= 100
}
