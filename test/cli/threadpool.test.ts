/** The size of libuv's pool of threads when a run begins. */
import { expect, it } from 'vitest'
import { fanmill, folderOf } from './fanmill.ts'

/** Gives the pool more work than it can have threads for, once the command is over, and counts its threads by name. */
const countThreads = `
import { pbkdf2 } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
process.once('beforeExit', () => {
  let waiting = 200
  const done = () => {
    if (--waiting > 0) return
    const names = readdirSync('/proc/self/task').map(id => readFileSync('/proc/self/task/' + id + '/comm', 'utf8'))
    console.error('threads', names.filter(name => name.startsWith('libuv-worker')).length)
  }
  for (let i = 0; i < 200; i++) pbkdf2('a', 'b', 1000, 32, 'sha256', done)
})`

it.runIf(process.platform === 'linux')('makes it 2 × workers + 4 although Node has started already', async () => {
  const { stderr } = await fanmill(['run', 'absent.ts', '--workers', '7'], {
    cwd: folderOf({}),
    nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(countThreads)}`],
  })
  expect(stderr).toContain('threads 18')
})
