import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/localstack/**'],
    globalSetup: ['test/compiled-folder.ts', 'test/bundles-folder.ts'],
    setupFiles: [
      'test/strict-patterns.ts',
      'test/temporary-folder.ts',
      'test/compiled-entries.ts',
      'test/bundle-once.ts',
    ],
    pool: 'forks',
    // One worker less than cores is the default, which leaves one of two cores idle for half of the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // Read when their modules load: else the functions' log and metrics print into the report.
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' },
  },
})
