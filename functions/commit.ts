/** Commit: makes a run's parts visible, all or none, with `_SUCCESS` last; or settles what a commit that died left behind. */
import { commitEventSchema, commitRun } from '../lib/lambda/commit-run.ts'
import { createHandler } from '../lib/lambda/handler.ts'

/** CommitEvent → CommitAnswer. `{ done: false }` asks to be called again, after its missing batches where it names any, or after `waitSeconds`. */
export const handler = createHandler({ event: commitEventSchema, work: commitRun })
