/** Graph: turns the input of an execution into a graph of tasks, gives the nodes that may run, wave by wave, and records how each ends. */
import { graphEventSchema } from '../lib/lambda/events.ts'
import { walkGraph } from '../lib/lambda/graph-step.ts'
import { createHandler } from '../lib/lambda/handler.ts'
import { recordEnd } from '../lib/lambda/node-records.ts'

/** A step of a walk, or the end of a node → GraphAnswer, or the status that it recorded. A repeated call gives the same answer. */
export const handler = createHandler({
  event: graphEventSchema,
  work: (event, invocation) => ('end' in event ? recordEnd(event, invocation) : walkGraph(event, invocation)),
})
