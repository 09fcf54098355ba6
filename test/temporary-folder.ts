/**
 * Gives every test file a temporary folder of its own, removed at its end: each synthesized app alone leaves 75 MB there. Those of test runs
 * that were killed are removed when the next folder is made. Files whose tests are about a disk have it on one, and so have those against
 * LocalStack, whose functions need the memory.
 */
import { chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, expect } from 'vitest'
import { makeOwnFolder, removeOwnFolder } from '../lib/store/own-folder.ts'
import { temporaryParent } from './temporary-parent.ts'

const isOnDisk = /\/test\/(localstack\/|store\/disk\/|local\/uncommitted)/.test(expect.getState().testPath ?? '')
const folder = makeOwnFolder(isOnDisk ? tmpdir() : temporaryParent())
// Some tests run a process of another user.
chmodSync(folder, 0o755)
const before = process.env.TMPDIR
process.env.TMPDIR = folder

afterAll(() => {
  removeOwnFolder(folder)
  // The process may go on with the next file of tests.
  if (before === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = before
})
