import { expect, it } from 'vitest'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { readAhead } from '../../lib/store/read-ahead.ts'

const range = (start: number) => ({ start, end: start + 2 })

async function stored() {
  const begun: string[] = []
  const store = memoryStore({
    onRequest: (request, when) => void (when === 'before' && begun.push(JSON.stringify(request))),
  })
  const etag = await store.write('a', Buffer.from('0011223344'))
  begun.length = 0
  return { store, etag, begun }
}

it('starts up to readsMax reads ahead, and another one for each that is returned', async () => {
  const { store, etag, begun } = await stored()
  const ahead = readAhead(
    store,
    [0, 2, 4, 6].map(at => ({ key: 'a', etag, range: range(at) })),
    { readsMax: 2 },
  )
  expect(begun).toHaveLength(2)
  expect(Buffer.from(await ahead.read('a', { range: range(0), etag })).toString()).toBe('00')
  expect(begun).toHaveLength(3)
  expect(Buffer.from(await ahead.read('a', { range: range(2), etag })).toString()).toBe('11')
  expect(Buffer.from(await ahead.read('a', { range: range(4), etag })).toString()).toBe('22')
  expect(Buffer.from(await ahead.read('a', { range: range(6), etag })).toString()).toBe('33')
  expect(begun).toHaveLength(4)
})

it('passes other reads to the store', async () => {
  const { store, etag } = await stored()
  const ahead = readAhead(store, [], { readsMax: 2 })
  expect(Buffer.from(await ahead.read('a', { range: range(8), etag })).toString()).toBe('44')
})

it('throws an error of a read when its range is requested, not before', async () => {
  const { store } = await stored()
  const ahead = readAhead(store, [{ key: 'a', etag: 'another', range: range(0) }], { readsMax: 1 })
  await new Promise(setImmediate)
  await expect(ahead.read('a', { range: range(0), etag: 'another' })).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
})
