/** What users import from `fanmill`. */
export * from './define/index.ts'
export { run, type RunOptions, type RunResult } from './local.ts'
