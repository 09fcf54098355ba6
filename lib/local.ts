/** Fanmill on this machine: runs, and what they left. */
export type { RunOptions, RunResult } from './local/options.ts'
export { run } from './local/run.ts'
