/** Starts LocalStack before the suite and stops it afterwards; without Python it prints what is left out, and in CI it fails. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startLocalStack } from './start.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Empty when there is none. */
    readonly localStackEndpoint: string
    /** Folder of the apps and of the record of what was deployed. */
    readonly deploymentFolder: string
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const localStack = await startLocalStack()
  project.provide('localStackEndpoint', localStack?.endpoint ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-stacks-'))
  project.provide('deploymentFolder', folder)
  if (localStack)
    return async () => {
      await localStack.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  const message =
    'LocalStack needs Python 3.11 or later with venv; without it nothing is tested against S3, Lambda and Step Functions'
  if (process.env.CI) throw new Error(message)
  console.warn(`\n  LEFT OUT: test/localstack. ${message}.\n`)
  return undefined
}
