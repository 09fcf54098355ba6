/** Requests every task whose parameters are all bound: what an upload, or a time of a schedule, asks for. */
import type { PipelineDefinition } from '../define/definition.ts'
import { areBound } from '../model/param-values.ts'
import type { GraphRequest } from './resolve-graph.ts'

export interface BoundRequest {
  readonly request: GraphRequest
  /** Names of the tasks that have a parameter without a value. */
  readonly ignored: readonly string[]
}

/** Returns the request for every task whose parameters have values among these, or defaults; none where there are no values at all. */
export function boundRequest(
  { tasks }: Pick<PipelineDefinition, 'tasks'>,
  values: Readonly<Record<string, unknown>> | undefined,
): BoundRequest {
  const asked = tasks.filter(({ params }) => values && areBound(params, values))
  const names = new Set(asked.flatMap(({ params }) => Object.keys(params)))
  const params = Object.fromEntries(Object.entries(values ?? {}).filter(([name]) => names.has(name)))
  return {
    request: { tasks: asked.map(({ name }) => name), params },
    ignored: tasks.filter(task => !asked.includes(task)).map(({ name }) => name),
  }
}
