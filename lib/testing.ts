/** What unit tests of pipelines import from `fanmill/testing`. */
export { type RunTaskOptions, runTask, type TaskRunResult } from './testing/run-task.ts'
export type { TestFiles } from './testing/test-files.ts'
