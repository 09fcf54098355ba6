import { existsSync, mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { it } from 'vitest'
import { inFolderOf } from '../../../lib/store/disk/folders.ts'

/** Removes the empty folders of a path, again and again, as `clean` does once. */
const remover = `
const { rmdirSync } = require('node:fs')
const { join } = require('node:path')
const { workerData } = require('node:worker_threads')
const pause = new Int32Array(new SharedArrayBuffer(4))
for (;;) {
  for (const name of ['a/b/c', 'a/b', 'a']) try { rmdirSync(join(workerData, name)) } catch {}
  Atomics.wait(pause, 0, 0, 1)
}`

it('makes folders that another process removes while they are made', async () => {
  const root = mkdtempSync(join(tmpdir(), 'fanmill-folders-'))
  const worker = new Worker(remover, { eval: true, workerData: root })
  try {
    let made = 0
    while (made < 100) {
      const path = join(root, 'a/b/c/file')
      const isThere = existsSync(join(root, 'a/b/c'))
      await inFolderOf(path, () => writeFile(path, ''))
      await rm(path)
      if (!isThere) made++
    }
  } finally {
    await worker.terminate()
  }
})
