/** Checks the exchanges of a task against its output and its other steps. */
import { isSameName } from '../../errors/engine-name.ts'
import { invalid } from '../check.ts'
import type { TaskDefinition } from '../definition.ts'
import { layoutOf } from '../outputs/output-kind.ts'
import { isExchanging } from '../tasks/task-stages.ts'
import type { ExchangingStep } from './exchange-definition.ts'

/** @throws DEFINITION_INVALID for a mode that an exchange cannot keep, and for steps in the wrong place */
export function checkExchanges(subject: string, task: TaskDefinition): void {
  const exchanges = task.transform.filter(isExchanging)
  for (const index of task.transform.keys()) checkScope(subject, task, index)
  const join = task.source.kind === 'joinOf' ? task.source : undefined
  const first = join ?? exchanges[0]
  if (first === undefined) return
  if (task.output.mode === 'append')
    throw invalid(
      `${subject}: ${first.kind}`,
      `expected an output of mode replace, as rows that are appended later would be of the same keys, got append; use mode: 'replace'`,
    )
  const { partitionBy = [] } = layoutOf(task.output) ?? {}
  const by = exchanges.at(-1)?.by ?? join?.on.map(({ left }) => left) ?? []
  const other = partitionBy.find(name => !includesName(by, name))
  if (task.output.mode === 'replacePartitions' && other !== undefined)
    throw invalid(
      `${subject}: output.partitionBy`,
      `expected columns of the key ${by.join(', ')}, as mode is replacePartitions and ${(exchanges.at(-1) ?? first).kind} makes rows by key, got ${other}`,
    )
}

export function columnsAfterExchange(step: ExchangingStep, columns: readonly string[]): string[] {
  return step.kind === 'reduce' ? [...step.by, ...Object.keys(step.measures)] : [...columns]
}

const includesName = (names: readonly string[], name: string): boolean => names.some(each => isSameName(each, name))

/** Steps that are functions of the parameters are checked when they are resolved. */
function checkScope(subject: string, { transform, output }: TaskDefinition, index: number): void {
  const step = transform[index]
  if (step === undefined || typeof step === 'function' || isExchanging(step)) return
  if (step.kind === 'sql' && step.scope === 'any-slice' && output.mode === 'append')
    throw invalid(
      `${subject}: transform step ${index + 1}`,
      "expected an output of mode replace, as scope is 'any-slice', whose rows may be others each time, got append",
    )
  const isAfter = transform.slice(0, index).some(isExchanging)
  if (step.kind === 'sql' && step.scope === 'bucket' && !isAfter)
    throw needsExchange(`${subject}: transform step ${index + 1}`)
  if ('onError' in step && step.onError === 'reject' && isAfter)
    throw invalid(
      `${subject}: transform step ${index + 1}: onError`,
      "expected 'fail', as a row after an exchange has no record that could be rejected, got 'reject'; reject rows in a step before it",
    )
}

/** Returns the error of a step that sees the rows of a key, where none are together. */
export const needsExchange = (where: string) =>
  invalid(
    where,
    "expected an exchange before it, as scope is 'bucket', got none; add .exchange({ by: […] }) with the columns of the key",
  )
