/** What users import from `fanmill`. */
export * from './define/index.ts'
export { type Dataset, openDataset, type RowsOptions, type RunOptions, type RunResult, run } from './local.ts'
