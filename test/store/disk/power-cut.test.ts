/** Holds that what the store has written survives a power cut: each entry of a folder on the way to it is synced after it was made. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { bundlePipeline } from '../../../lib/bundle/bundle.ts'
import { diskStore } from '../../../lib/store/disk/store.ts'

/** Paths that were synced, in their order. */
const synced: string[] = []

beforeEach(() => {
  synced.length = 0
  const { open } = fs
  vi.spyOn(fs, 'open').mockImplementation(async (path, ...options) => {
    const file = await open(path, ...options)
    const sync = file.sync.bind(file)
    file.sync = () => sync().then(() => void synced.push(String(path)))
    return file
  })
  // Lets modules that import `open` by its name see it.
  syncBuiltinESMExports()
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

const bytes = new TextEncoder().encode('rows')

function newRoot() {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-power-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return { folder, root: join(folder, 'a/b/out') }
}

/** Returns the folders from that of a path up to `top`. */
const foldersOf = (path: string, top: string): string[] =>
  path === top ? [] : [dirname(path), ...foldersOf(dirname(path), top)]

it.each(['create', 'write'] as const)('syncs all folders that are new above a file, by %s', async verb => {
  const { folder, root } = newRoot()
  await diskStore(root)[verb]('sets/t/year=1/_SUCCESS', bytes)
  expect(synced).toEqual(expect.arrayContaining(foldersOf(join(root, 'sets/t/year=1/_SUCCESS'), folder)))
})

it('syncs the folders above a part when it is completed, and those above the state although temporary files made them', async () => {
  const { folder, root } = newRoot()
  const store = diskStore(root)
  writeFileSync(join(folder, 'made'), bytes)
  const run = { runId: '0123456789abcdef', attempt: 2, token: 'a' }
  const part = await store.stagePart('sets/t/year=1/part.parquet', join(folder, 'made'), run)
  // Pending parts and their folders need not survive.
  expect(synced).toEqual([join(folder, 'made'), ...foldersOf(join(root, '.fanmill'), folder)])
  await store.completePart(part)
  expect(synced.slice(-4)).toEqual(['sets/t', 'sets', '.', 'sets/t/year=1'].map(name => join(root, name)))
  await store.write('.fanmill/runs/1/run.json', bytes)
  expect(synced).toEqual(expect.arrayContaining(foldersOf(join(root, '.fanmill/runs/1/run.json'), folder)))
})

it('syncs the folders above the state also where a bundle makes them before the store writes', async () => {
  const { folder, root } = newRoot()
  writeFileSync(join(folder, 'pipeline.ts'), 'export default 1')
  await bundlePipeline(join(folder, 'pipeline.ts'), { outFolder: join(root, '.fanmill/bundles'), reuse: true })
  expect(synced).toEqual(expect.arrayContaining(foldersOf(join(root, '.fanmill/bundles'), folder)))
})

it('syncs only the folder of a file when the folder is there already, and no lock', async () => {
  const { root } = newRoot()
  const store = diskStore(root)
  const etag = await store.write('sets/head.json', bytes)
  synced.length = 0
  expect(await store.replace('sets/head.json', bytes, etag)).toBeDefined()
  expect(synced).toEqual([expect.stringContaining(join(root, '.fanmill/tmp')), join(root, 'sets')])
})

it('syncs a folder once for the parts that are completed while it is synced', async () => {
  const { folder, root } = newRoot()
  const store = diskStore(root)
  await store.write('sets/other', bytes)
  const run = { runId: '0123456789abcdef', attempt: 1, token: 'a' }
  const parts = await Promise.all(
    Array.from({ length: 50 }, async (_, number) => {
      writeFileSync(join(folder, `${number}`), bytes)
      return store.stagePart(`sets/${number}`, join(folder, `${number}`), run)
    }),
  )
  synced.length = 0
  await Promise.all(parts.map(part => store.completePart(part)))
  expect(synced.length).toBeLessThan(50)
  expect(new Set(synced)).toEqual(new Set([join(root, 'sets')]))
})

it('takes over a lock whose content a power cut has lost', async () => {
  const { root } = newRoot()
  const store = diskStore(root)
  const etag = await store.write('head', bytes)
  const { createHash } = await import('node:crypto')
  const name = `lock-${createHash('sha256').update('head').digest('hex').slice(0, 16)}-1`
  writeFileSync(join(root, '.fanmill/tmp', name), '')
  expect(await store.replace('head', bytes, etag)).toBeDefined()
})
