/** Graph: turns the input of an execution into a graph of tasks, gives the nodes that may run, wave by wave, and records how each ends. */
import { graphEventSchema } from '../lib/lambda/events.ts'
import { graph } from '../lib/lambda/graph.ts'
import { createHandler } from '../lib/lambda/handler.ts'

/** GraphEvent → GraphAnswer, or the status that it recorded. A repeated call gives the same answer. */
export const handler = createHandler({ event: graphEventSchema, work: graph })
