/** Names the nodes of a pipeline: a node is a task with the values of its parameters. */
import type { ParamValues } from '../../define/definition.ts'

/** The fields by which events and results name a node. */
export interface NodeName {
  readonly task: string
  /** Task and parameters, such as `flights(month=2001-01)`; the name of the task alone where it has no parameters. */
  readonly node: string
}

/** Returns the name of a node: equal for equal values, in any order of the parameters. */
export function nodeNameOf(task: string, params: ParamValues): NodeName {
  return { task, node: nodeIdOf(task, params) }
}

/** Returns the id of a node; texts that are not plain words are quoted, so that different values have different ids. */
export function nodeIdOf(task: string, params: ParamValues): string {
  const values = Object.keys(params)
    .sort()
    .map(name => `${name}=${plainWord.test(String(params[name])) ? params[name] : JSON.stringify(params[name])}`)
  return values.length === 0 ? task : `${task}(${values.join(',')})`
}

/** Returns parameters for people: `month=2001-01 region=eu`. */
export const paramsText = (params: Readonly<Record<string, unknown>>): string =>
  Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

const plainWord = /^[\w.:+-]+$/
