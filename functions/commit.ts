/** Commit: makes a run's parts visible, all or none, with `_SUCCESS` last; or completes an interrupted commit. */
import { commitRun } from '../lib/lambda/commit-run.ts'
import { commitEventSchema } from '../lib/lambda/events.ts'
import { createHandler } from '../lib/lambda/handler.ts'

/** CommitEvent → CommitAnswer. After `{ done: false }` it is called again, once the missing batches in the answer are processed, or `waitSeconds` have passed. */
export const handler = createHandler({ event: commitEventSchema, work: commitRun })
