/** The `graph` function: takes the steps of a walk, and records how nodes end. */
import type { GraphAnswer } from '../aws/lambda-events.ts'
import type { GraphEvent } from './events.ts'
import { walkGraph } from './graph-step.ts'
import type { Invocation } from './handler.ts'
import { recordEnd } from './node-records.ts'

export function graph(event: GraphEvent, invocation: Invocation): Promise<GraphAnswer | { readonly status: string }> {
  return 'end' in event ? recordEnd(event, invocation) : walkGraph(event, invocation)
}
