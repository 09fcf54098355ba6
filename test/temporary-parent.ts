/** Chooses where the temporary folders of the tests are: in memory, where it has room for them and programs in it may be started. */
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { memoryFolder } from '../lib/store/own-folder.ts'

/** Leaves several times the room that the tests take at the same time. */
const roomBytes = 4 * 1024 ** 3

/**
 * Returns a folder in memory, or else that of the system. Runs sync the files that they write, and make many small ones: without a disk,
 * tests of runs take a sixth less CPU time, and do not wait for it.
 */
export const temporaryParent = (): string => (isRoomy() && startsPrograms() ? memoryFolder : tmpdir())

function isRoomy(): boolean {
  if (!existsSync(memoryFolder) || process.availableMemory() < 2 * roomBytes) return false
  const { bavail, bsize } = statfsSync(memoryFolder)
  return bavail * bsize >= roomBytes
}

/** Containers mount it without the right to start the programs that some tests write. */
const startsPrograms = (): boolean =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .some(line => line.includes(` ${memoryFolder} tmpfs `) && !/\bnoexec\b/.test(line))
