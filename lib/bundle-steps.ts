/** How far the steps of a task, and the columns that they are given, are known before a run. */

import type { ParamDefinition, Params, ParamValue, ParamValues, Step, TaskDefinition } from './define/definition.ts'
import { stepFunctions } from './model/resolve-task.ts'
import { sampleOf } from './paths/sample-values.ts'

export interface KnownSteps {
  /** In order; undefined where the parameters of a run decide. */
  readonly steps: readonly (Step | undefined)[]
  /** The first of them, as far as the columns are known that they are given. */
  readonly typed: readonly Step[]
  /** Why these are not all. */
  readonly unknown?: string
}

export interface KnownStepsOptions {
  /** Whether parameters without a default have some value of their type. */
  readonly withSamples: boolean
}

/** Steps that are functions are called with the defaults of the parameters. */
export function knownSteps(task: TaskDefinition, { withSamples }: KnownStepsOptions): KnownSteps {
  const calls = stepFunctions(task).map(step => call(step, task.params, withSamples))
  const steps = calls.map(each => each.step)
  if (Object.keys(task.columns ?? {}).length === 0) return { steps, typed: [], unknown: 'the task declares no columns' }
  const typed: Step[] = []
  for (const { step, unknown } of calls) {
    if (!step) return { steps, typed, ...(unknown !== undefined && { unknown }) }
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

/** Each is asked for when it is read. */
function valuesOf(params: Params, read: (name: string, param: ParamDefinition) => ParamValue): ParamValues {
  const values = Object.entries(params).map(([name, param]) => {
    return [name, { enumerable: true, get: () => read(name, param) }] as const
  })
  return Object.freeze(Object.defineProperties({}, Object.fromEntries(values)))
}

/** A table that the step names, and whose columns are those of its file. */
function undeclaredTable(step: Step, { tables }: TaskDefinition): string | undefined {
  if (step.kind !== 'sql') return undefined
  const words: readonly string[] = [...step.texts, ...step.values].join(' ').toLowerCase().match(/\w+/g) ?? []
  return Object.keys(tables).find(name => !tables[name]?.columns && words.includes(name.toLowerCase()))
}
