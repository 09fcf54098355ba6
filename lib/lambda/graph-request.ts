/** Reads what the input of an execution asks for, as a graph. */
import * as v from 'valibot'
import { type ExecutionInput, executionInputSchema } from '../aws/lambda-events.ts'
import type { PipelineDefinition } from '../define/definition.ts'
import type { TaskGraph } from '../graph/graph.ts'
import { type GraphRequest, resolveGraph } from '../graph/resolve-graph.ts'
import type { DataOf } from '../model/json-schema.ts'
import { areBound } from '../model/run/param-values.ts'
import { scheduledParams } from '../model/run/scheduled-params.ts'
import { reader } from '../state/state.ts'
import { isScheduled, isUpload, type RequestPlace, uploadTexts } from './run-request.ts'
import { codeHashIn, type LambdaSession } from './session.ts'

const requestSchema = v.object({
  execution: v.string(),
  /** Input of the execution. */
  event: executionInputSchema,
  /** Tasks that an upload does not ask for: its key does not name all of their parameters. */
  ignored: v.array(v.string()),
})
/** request.json: why a graph is walked. */
export type GraphRequestRecord = DataOf<typeof requestSchema>

/** Reads request.json. @throws STATE_INVALID */
export const readGraphRequest = reader(requestSchema)

/** Resolves the graph of an execution's input. @throws as `resolveGraph`; USAGE for a time of a pipeline without a schedule */
export function graphOf(
  event: ExecutionInput,
  lambda: Pick<LambdaSession, 'pipeline' | 'settings' | 'codeHashes'>,
): { readonly graph: TaskGraph; readonly ignored: readonly string[] } {
  const { pipeline, settings } = lambda
  const { request, ignored } = requestOf(event, { pipeline, input: settings.input })
  return { graph: resolveGraph(pipeline, request, codeHashIn(lambda)), ignored }
}

function requestOf(event: ExecutionInput, at: RequestPlace): BoundRequest {
  if (isUpload(event)) return boundRequest(at.pipeline, uploadTexts(event, at))
  if (isScheduled(event)) return boundRequest(at.pipeline, scheduledParams(at.pipeline, event.schedule.time))
  const { task, params } = event
  return { request: { tasks: task === undefined ? undefined : [task], params }, ignored: [] }
}

interface BoundRequest {
  readonly request: GraphRequest
  /** Names of the tasks that have a parameter without a value. */
  readonly ignored: readonly string[]
}

/**
 * Requests every task whose parameters have values among these, or defaults, as an upload or a time of a schedule does; none where there
 * are no values at all.
 */
function boundRequest(
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
