/** Exports everything that unit tests of pipelines import from `fanmill/testing`. */

export type { TestRow } from './testing/row-text.ts'
export { type LogMessage, type RunTaskOptions, runTask, type TaskRunResult } from './testing/run-task.ts'
export type { TestFiles } from './testing/test-files.ts'
