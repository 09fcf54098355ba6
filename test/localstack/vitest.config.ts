import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    name: 'localstack',
    include: ['test/localstack/**/*.test.ts'],
    globalSetup: 'test/localstack/global-setup.ts',
    setupFiles: 'test/localstack/environment.ts',
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
