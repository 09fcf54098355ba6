/** Plan: turns an uploaded key, or a request by hand, into a run and its batches; what was done already, or is being done, ends here. */
import { planEventSchema } from '../lib/lambda/asked.ts'
import { createHandler } from '../lib/lambda/handler.ts'
import { planTask } from '../lib/lambda/plan-task.ts'

/** PlanEvent → PlanAnswer. `{ done: false }` asks to be called again with the same event, after `waitSeconds` where it says so. */
export const handler = createHandler({ event: planEventSchema, work: planTask })
