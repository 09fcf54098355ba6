/** Finds the steps of a task, and their input columns, as far as they are known before a run. */

import type { ParamDefinition, Params, ParamValue, ParamValues, Step, TaskDefinition } from './define/definition.ts'
import { stepFunctions } from './model/run/resolve-task.ts'
import { sampleOf } from './paths/sample-values.ts'

export interface KnownSteps {
  /** Steps in order; undefined where they depend on the parameters of a run. */
  readonly steps: readonly (Step | undefined)[]
  /** The first steps, as far as their input columns are known. */
  readonly typed: readonly Step[]
  /** Reason why `typed` does not have all steps. */
  readonly unknown?: string
}

export interface KnownStepsOptions {
  /** Whether parameters without a default get a sample value. */
  readonly withSamples: boolean
}

/** Calls steps that are functions with the defaults of the parameters. */
export function knownSteps(
  task: TaskDefinition,
  { withSamples }: KnownStepsOptions,
  hasColumns = Object.keys(task.columns ?? {}).length > 0,
): KnownSteps {
  const calls = stepFunctions(task).map(step => call(step, task.params, withSamples))
  const steps = calls.map(each => each.step)
  if (!hasColumns) return { steps, typed: [], unknown: 'the task declares no columns' }
  const typed: Step[] = []
  for (const { step, unknown } of calls) {
    if (!step) return { steps, typed, unknown }
    const table = undeclaredTable(step, task)
    if (table !== undefined) return { steps, typed, unknown: `its table ${table} declares no columns` }
    typed.push(step)
  }
  return { steps, typed }
}

type Called = { readonly step: Step; readonly unknown?: never } | { readonly step?: never; readonly unknown: string }

function call(step: (params: ParamValues) => Step, params: Params, withSamples: boolean): Called {
  let missing: string | undefined
  const values = valuesOf(params, (name, param) => {
    if (param.default !== undefined) return param.default
    if (withSamples) return sampleOf(param)
    missing ??= name
    throw new Error(`param ${name} has no default`)
  })
  try {
    const called = step(values)
    if (missing === undefined) return { step: called }
  } catch {
    // Deliberately no error of the definition, because runs may always be given other values.
    if (missing === undefined) return { unknown: 'a step throws with the defaults of its params' }
  }
  return { unknown: `a step reads param ${missing}, which has no default` }
}

/** Makes parameter values that are computed when a step reads them. */
function valuesOf(params: Params, read: (name: string, param: ParamDefinition) => ParamValue): ParamValues {
  const values = Object.entries(params).map(([name, param]) => {
    return [name, { enumerable: true, get: () => read(name, param) }] as const
  })
  return Object.freeze(Object.defineProperties({}, Object.fromEntries(values)))
}

/** Returns a table of the step whose columns are known only from its file. */
function undeclaredTable(step: Step, { tables }: TaskDefinition): string | undefined {
  if (step.kind !== 'sql') return undefined
  const words: readonly string[] = [...step.texts, ...step.values].join(' ').toLowerCase().match(/\w+/g) ?? []
  return Object.keys(tables).find(name => !tables[name]?.columns && words.includes(name.toLowerCase()))
}
