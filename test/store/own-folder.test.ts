import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeOwnFolder, removeOwnFolder } from '../../lib/store/own-folder.ts'

let parent: string
beforeEach(() => {
  parent = join(mkdtempSync(join(tmpdir(), 'own-')), 'made')
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

const moduleUrl = JSON.stringify(new URL('../../lib/store/own-folder.ts', import.meta.url).href)

/** Returns the output of a process that created a folder and then ended. */
function ended(how: string): string {
  const script = `import { makeOwnFolder } from ${moduleUrl}; console.log(makeOwnFolder(${JSON.stringify(parent)})); ${how}`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stdout.trim()
}

describe('makeOwnFolder', () => {
  it('creates a folder that no other user may enter', () => {
    const folder = makeOwnFolder(parent)
    expect(statSync(folder).mode & 0o077).toBe(0)
    writeFileSync(join(folder, 'file'), '')
    removeOwnFolder(folder)
    expect(readdirSync(parent)).toEqual([])
  })

  it('is removed when the process exits', () => {
    expect(existsSync(ended('process.exit(3)'))).toBe(false)
  })

  it('removes the folders of killed processes only', () => {
    const left = ended("process.kill(process.pid, 'SIGKILL')")
    expect(existsSync(left)).toBe(true)
    const kept = [`fanmill-elsewhere-1.5-0123abcd`, `fanmill-${hostname()}-${process.pid}.-0123abcd`, 'other']
    for (const name of kept) mkdirSync(join(parent, name))
    const mine = makeOwnFolder(parent)
    expect(existsSync(left)).toBe(false)
    for (const name of kept) expect(existsSync(join(parent, name))).toBe(true)
    removeOwnFolder(mine)
  })

  it.runIf(existsSync('/proc/self/stat'))(
    'removes folders of a dead process whose number it has got, as a container does',
    () => {
      mkdirSync(parent)
      const left = join(parent, `fanmill-${hostname()}-${process.pid}.1-0123abcd`)
      mkdirSync(left)
      const mine = makeOwnFolder(parent)
      expect(existsSync(left)).toBe(false)
      removeOwnFolder(mine)
    },
  )

  it('keeps the folders of other threads of the process', async () => {
    const script = `import { makeOwnFolder } from ${moduleUrl}; import { parentPort, workerData } from 'node:worker_threads'
      parentPort.postMessage(makeOwnFolder(workerData)); setInterval(() => {}, 1000)`
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { workerData: parent })
    const [theirs] = await once(worker, 'message')
    const mine = makeOwnFolder(parent)
    expect([existsSync(theirs), existsSync(mine)]).toEqual([true, true])
    removeOwnFolder(mine)
    await worker.terminate()
  })
})
