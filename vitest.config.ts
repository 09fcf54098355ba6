import { availableParallelism } from 'node:os'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** Folders whose tests change nothing of their process, so that files of tests can follow each other in one: each saves 0.3 seconds of CPU time. */
const sharing = `test/{${[
  ...['archive', 'avro', 'aws', 'define', 'delta', 'deployed', 'engine', 'errors', 'graph', 'inflate', 'infra'],
  ...['inputs', 'model', 'parquet', 'paths', 'process', 'runs', 'stage', 'state', 'tar', 'text', 'types', 'workbook'],
  ...['xml', 'zip'],
].join(',')}}/**/*.test.ts`

const common: TestProjectInlineConfiguration['test'] = {
  setupFiles: [
    'test/strict-patterns.ts',
    'test/temporary-folder.ts',
    'test/compiled-entries.ts',
    'test/bundle-once.ts',
  ],
  pool: 'forks',
  testTimeout: 120_000,
  hookTimeout: 300_000,
  // Read when their modules load: else the functions' log and metrics print into the report.
  env: { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' },
}

export default defineConfig({
  test: {
    globalSetup: ['test/compiled-folder.ts', 'test/bundles-folder.ts'],
    // One worker less than cores is the default, which leaves one of two cores idle for half of the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { test: { ...common, name: 'sharing', include: [sharing], isolate: false } },
      { test: { ...common, name: 'alone', include: ['test/**/*.test.ts'], exclude: ['test/localstack/**', sharing] } },
    ],
  },
})
