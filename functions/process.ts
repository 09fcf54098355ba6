/** Process: processes one batch on this function's threads, into pending parts and an outcome. */
import { processEventSchema } from '../lib/lambda/events.ts'
import { createHandler } from '../lib/lambda/handler.ts'
import { processItem } from '../lib/lambda/process-item.ts'

/** ProcessEvent → ProcessAnswer. Calls may be repeated, also at the same time. */
export const handler = createHandler({ event: processEventSchema, work: processItem })
