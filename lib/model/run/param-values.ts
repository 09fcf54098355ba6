/** Reads the parameters of a run from texts or typed values. */
import { show } from '../../define/check.ts'
import type { ParamDefinition, Params, ParamValue, ParamValues, TaskDefinition } from '../../define/definition.ts'
import { readParamValue } from '../../define/params/param-value.ts'
import { PermanentError } from '../../errors/errors.ts'
import { didYouMean } from '../../errors/nearest.ts'

/**
 * Returns the values of all parameters, frozen, in the order of their definition; missing ones have their default.
 * @throws PARAM_INVALID when one is unknown, missing, or not what its definition expects
 */
export function readParams(params: Params, given: Readonly<Record<string, unknown>>): ParamValues {
  refuseUnknownParam(params, given)
  const values = Object.entries(params).map(([name, param]) => [name, readParam(name, param, given[name])] as const)
  return Object.freeze(Object.fromEntries(values))
}

/** Whether each of a task's parameters has a value among these, or a default. */
export function areBound(params: Params, given: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(params).every(([name, param]) =>
    given[name] === undefined ? param.default !== undefined : 'value' in readParamValue(param, given[name]),
  )
}

/** Returns the given values of a task's own parameters. */
export function ownValues({ params }: Pick<TaskDefinition, 'params'>, given: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(params, name)))
}

/** @throws PARAM_INVALID when a name is a parameter of none of the tasks */
export function refuseForeignParam(
  tasks: readonly Pick<TaskDefinition, 'params'>[],
  given: Readonly<Record<string, unknown>>,
): void {
  refuseUnknownParam(Object.assign({}, ...tasks.map(({ params }) => params)), given)
}

/** @throws PARAM_INVALID when a name is none of these parameters */
function refuseUnknownParam(params: Params, given: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(params)
  const unknown = Object.keys(given).find(name => !names.includes(name))
  if (unknown !== undefined) {
    const known = names.length === 0 ? 'no params' : `one of the params ${names.join(', ')}`
    throw refuse(unknown, `expected ${known}, got ${unknown}${didYouMean(unknown, names)}`)
  }
}

/** Returns one value in its normal form, or the default where none is given. @throws PARAM_INVALID */
export function readParam(name: string, param: ParamDefinition, given: unknown): ParamValue {
  if (given === undefined && param.default !== undefined) return param.default
  const read = readParamValue(param, given)
  if ('value' in read) return read.value
  if (given === undefined) {
    const doc = param.doc === undefined ? '' : ` (${param.doc})`
    throw refuse(name, `expected ${read.expected}${doc}, got nothing`)
  }
  const hint = typeof given === 'string' ? didYouMean(given, param.values ?? []) : ''
  throw refuse(name, `expected ${read.expected}, got ${show(given)}${hint}`)
}

function refuse(name: string, message: string): PermanentError {
  return new PermanentError('PARAM_INVALID', `param ${name}: ${message}`, { param: name })
}
