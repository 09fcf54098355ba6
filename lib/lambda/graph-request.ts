/** What the input of an execution asks for, as a graph. */
import * as v from 'valibot'
import { type ExecutionInput, executionInputSchema } from '../aws/lambda-events.ts'
import type { TaskDefinition } from '../define/definition.ts'
import { readParamValue } from '../define/param-value.ts'
import type { TaskGraph } from '../graph/graph.ts'
import { resolveGraph } from '../graph/resolve-graph.ts'
import type { DataOf } from '../model/json-schema.ts'
import { reader } from '../state/state.ts'
import { isUpload, uploadTexts } from './run-request.ts'
import type { LambdaSession } from './session.ts'

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

/** Resolves the graph of an execution's input. @throws as `resolveGraph` */
export function graphOf(
  event: ExecutionInput,
  { pipeline, settings }: Pick<LambdaSession, 'pipeline' | 'settings'>,
): { readonly graph: TaskGraph; readonly ignored: readonly string[] } {
  if (!isUpload(event)) {
    const { task, params } = event
    return { graph: resolveGraph(pipeline, { tasks: task === undefined ? undefined : [task], params }), ignored: [] }
  }
  const texts = uploadTexts(event, { pipeline, input: settings.input }) ?? {}
  const [asked, ignored] = [true, false].map(isAsked =>
    pipeline.tasks.filter(task => isBound(task, texts) === isAsked).map(({ name }) => name),
  ) as [string[], string[]]
  const names = new Set(pipeline.tasks.filter(({ name }) => asked.includes(name)).flatMap(paramNames))
  const params = Object.fromEntries(Object.entries(texts).filter(([name]) => names.has(name)))
  return { graph: resolveGraph(pipeline, { tasks: asked, params }), ignored }
}

const paramNames = ({ params }: TaskDefinition): string[] => Object.keys(params)

/** An upload asks for every task whose parameters are all bound, by its key or by defaults. */
function isBound({ params }: TaskDefinition, texts: Readonly<Record<string, string>>): boolean {
  return Object.entries(params).every(([name, param]) => {
    const text = texts[name]
    return text === undefined ? param.default !== undefined : 'value' in readParamValue(param, text)
  })
}
