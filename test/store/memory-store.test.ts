import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { bytes, storeSuite } from './store.suite.ts'

storeSuite('memory', () => memoryStore())
storeSuite('memory where a second complete is not found', () => memoryStore({ secondComplete: 'missing' }))

describe('the memory store', () => {
  it('counts requests and bytes, and one request per thousand listed keys', async () => {
    const store = memoryStore()
    for (let n = 0; n < 1001; n++) store.objects.set(`${n}`, bytes('x'))
    for await (const _ of store.list(''));
    expect(store.counts.requests).toBe(2)
    await store.read('0')
    expect(store.counts).toEqual({ requests: 3, bytesRead: 1, bytesWritten: 0 })
  })

  it('can lose the answer of a write that took effect', async () => {
    const store = memoryStore({
      onRequest: ({ operation }, phase) => {
        if (operation === 'create' && phase === 'after') throw new Error('connection reset')
      },
    })
    await expect(store.create('a', bytes('x'))).rejects.toThrow('connection reset')
    expect(store.objects.has('a')).toBe(true)
  })

  it('does not accept a second complete of a part that was removed since', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanmill-memory-'))
    await writeFile(join(folder, 'file'), 'rows')
    const store = memoryStore({ secondComplete: 'ok' })
    const part = await store.stagePart('part', join(folder, 'file'), { runId: '0', attempt: 1, token: 'a' })
    await store.completePart(part)
    store.objects.set('part', bytes('someone else'))
    expect(await store.completePart(part)).toBe(false)
    await rm(folder, { recursive: true })
  })
})
