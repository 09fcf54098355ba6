/**
 * Gives every test file a temporary folder of its own, removed at its end: each synthesized app alone leaves 75 MB there. Files whose tests
 * are about a disk have it on one, and so have those against LocalStack, whose functions need the memory.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { temporaryParent } from './temporary-parent.ts'

const isOnDisk = /\/test\/(localstack\/|store\/disk\/|local\/uncommitted)/.test(expect.getState().testPath ?? '')
const folder = mkdtempSync(join(isOnDisk ? tmpdir() : temporaryParent(), 'fanmill-tests-'))
// Some tests run a process of another user.
chmodSync(folder, 0o755)
const before = process.env.TMPDIR
process.env.TMPDIR = folder

afterAll(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  // The process may go on with the next file of tests.
  if (before === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = before
})
