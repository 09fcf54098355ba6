/** Process: one batch over this function's threads, into parts that nobody sees yet and an outcome. */
import { createHandler } from '../lib/lambda/handler.ts'
import { processEventSchema, processItem } from '../lib/lambda/process-item.ts'

/** ProcessEvent → ProcessAnswer. May be called again, also beside itself. */
export const handler = createHandler({ event: processEventSchema, work: processItem })
