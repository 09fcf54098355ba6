/** Compiles a task with exchanges to the tasks of its stages. */
import type { JoinSource, Step, StepDefinition, TaskDefinition } from '../definition.ts'
import { layoutOf } from '../outputs/output-kind.ts'
import type {
  ExchangeOutput,
  ExchangeSource,
  ExchangingStep,
  KeyedStep,
  Measure,
} from '../steps/exchange-definition.ts'
import { hasRight, joinSides, keepsUnmatched } from '../steps/join-definition.ts'

interface Sides {
  /** The steps at the end of the stage before. */
  readonly before: readonly Step[]
  /** Joins what several slices of a batch made, before it is exchanged. */
  readonly combine?: KeyedStep
  /** The steps at the beginning of the next stage. */
  readonly after: readonly Step[]
}

/** An exchange between two stages, with what its output and the source after it have besides. */
interface Exchange extends Sides, Pick<ExchangeOutput, 'by' | 'buckets'> {
  readonly output?: Pick<ExchangeOutput, 'order' | 'isKept'>
  readonly source?: Pick<ExchangeSource, 'isOrdered' | 'isKept'>
}

const sides: { readonly [K in ExchangingStep['kind']]: (step: Extract<ExchangingStep, { kind: K }>) => Sides } = {
  exchange: () => ({ before: [], after: [] }),
  reduce: ({ by, measures }) => {
    const step = { kind: 'aggregate', by, measures } as const
    if (Object.values(measures).some(needsRows))
      return { before: [{ kind: 'pick', by, measures }], after: [{ ...step, phase: 'whole' }] }
    const combine = { ...step, phase: 'combine' } as const
    return { before: [{ ...step, phase: 'partial' }], combine, after: [{ ...step, phase: 'final' }] }
  },
  distinct: ({ by, latest }) => {
    const step = { kind: 'latest', by, latest } as const
    return { before: [step], combine: step, after: [step] }
  },
}

/** Whether a measure cannot be combined: all values of a key have to be together. */
const needsRows = (measure: Measure): boolean =>
  (measure.kind === 'quantile' || measure.kind === 'countDistinct') && !measure.isApproximate

export const measuredColumns = (measure: Measure): readonly string[] => [
  ...(measure.column === undefined ? [] : [measure.column]),
  ...('orderBy' in measure ? measure.orderBy : []),
  ...('columns' in measure ? measure.columns : []),
]

function sidesOf<K extends ExchangingStep['kind']>(step: Extract<ExchangingStep, { kind: K }>): Sides {
  const make: (step: Extract<ExchangingStep, { kind: K }>) => Sides = sides[step.kind as K]
  return make(step)
}

/** Returns whether a step ends a stage. */
export const isExchanging = (step: StepDefinition): step is ExchangingStep =>
  typeof step !== 'function' && (step.kind === 'exchange' || step.kind === 'reduce' || step.kind === 'distinct')

const stages = new WeakMap<TaskDefinition, readonly TaskDefinition[]>()

/**
 * Returns the tasks of a task's stages, each with the source, steps and output of its own. A task without an exchange is its only stage.
 * The rows of a stage before the last go to an exchange, from which the next stage reads them.
 */
export function stagesOf(task: TaskDefinition): readonly TaskDefinition[] {
  const known = stages.get(task) ?? Object.freeze(compile(task))
  stages.set(task, known)
  return known
}

export function stageOf(task: TaskDefinition, stage: number): TaskDefinition {
  const found = stagesOf(task)[stage]
  if (!found) throw new RangeError(`task ${task.name} has no stage ${stage}`)
  return found
}

function compile(task: TaskDefinition): TaskDefinition[] {
  const join = task.source.kind === 'joinOf' ? task.source : undefined
  const compiled: TaskDefinition[] = join && !join.isKept ? sideStages(task, join) : []
  let current: TaskDefinition = join ? { ...task, ...unread, where: task.where, source: joinedSource(join) } : task
  let steps: StepDefinition[] = []
  /** Ends a stage with an exchange, and begins the next one. */
  const exchange = ({ by, buckets, before, combine, after, output, source }: Exchange): void => {
    const { path, mode } = task.output
    const exchanged: ExchangeOutput = { kind: 'exchange', path, mode, by, buckets, combine, ...output }
    compiled.push({ ...current, transform: [...steps, ...before], output: exchanged })
    current = {
      ...task,
      ...unread,
      source: { kind: 'exchange', by, format: { kind: 'parquet' }, hive: false, ...source },
    }
    steps = [...after]
  }
  for (const step of task.transform)
    if (isExchanging(step)) exchange({ ...step, ...sidesOf(step) })
    else steps.push(step)
  const { bucketBy, order } = layoutOf(task.output) ?? {}
  if (order) exchange({ by: order.columns, before: [], after: [], output: { order }, source: { isOrdered: true } })
  if (bucketBy)
    exchange({
      ...{ by: bucketBy.columns, buckets: bucketBy.buckets, before: [], after: [] },
      ...{ output: { isKept: true }, source: { isKept: true } },
    })
  return compiled.length === 0 && !join ? [task] : [...compiled, { ...current, transform: steps }]
}

/** Returns the stages that read the sides of a join, in the order of the sides; the next stage reads both. */
function sideStages(task: TaskDefinition, join: JoinSource): TaskDefinition[] {
  const { path, mode } = task.output
  return joinSides.map(side => {
    const by = join.on.map(key => key[side])
    const nullKeys = keepsUnmatched(join.how, side) ? 'spread' : 'drop'
    const output: ExchangeOutput = { kind: 'exchange', path, mode, by, buckets: join.buckets, nullKeys }
    // The key is enough of rows that only tell whether there is a partner.
    const source = side === 'right' && !hasRight(join.how) ? { ...join.right, columns: by } : join[side]
    return { ...task, ...unread, source, transform: [], setup: undefined, output }
  })
}

const joinedSource = ({ on, how, prefix, isKept }: JoinSource): ExchangeSource => ({
  kind: 'exchange',
  by: on.map(({ left }) => left),
  join: { on, how, ...(prefix === undefined ? {} : { prefix }) },
  ...(isKept && { areParts: true }),
  format: { kind: 'parquet' },
  hive: false,
})

/** Returns the stages whose rows a stage reads; none for a stage that reads the source of the task. */
export function stagesBefore(task: TaskDefinition, stage: number): readonly number[] {
  const { source } = stageOf(task, stage)
  if (source.kind !== 'exchange' || source.areParts) return []
  return source.join ? joinSides.map((_, side) => side) : [stage - 1]
}

/** The options of a task that count where its source is read. */
const unread = {
  columns: undefined,
  where: undefined,
  checks: undefined,
  strict: true,
  onNewColumn: 'ignore',
  onMissingColumn: 'fail',
  provenance: [],
} as const satisfies Partial<TaskDefinition>
