/** Plan: turns an uploaded key, or a request by hand, into a run and its batches; ends here when the run is complete or busy elsewhere. */
import { planEventSchema } from '../lib/lambda/events.ts'
import { createHandler } from '../lib/lambda/handler.ts'
import { planTask } from '../lib/lambda/plan-task.ts'

/** PlanEvent → PlanAnswer. After `{ done: false }` it is called again with the same event, after `waitSeconds` where the answer has it. */
export const handler = createHandler({ event: planEventSchema, work: planTask })
