import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    name: 'localstack',
    include: ['test/localstack/**/*.test.ts'],
    globalSetup: ['test/compiled-folder.ts', 'test/localstack/global-setup.ts'],
    setupFiles: ['test/strict-patterns.ts', 'test/temporary-folder.ts', 'test/localstack/environment.ts'],
    pool: 'forks',
    // The stacks are deployed once, and other tests run while one waits.
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
})
