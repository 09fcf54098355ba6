/** Exports what `index.ts` exports, as the one file that pipelines and programs load: an asset for Lambda takes `index.ts`, whose parts it shares. */
export * from './index.ts'
