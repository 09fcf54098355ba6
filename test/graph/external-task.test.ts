import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { externalTask, months, param, pipeline } from '../../lib/define/index.ts'
import { resolveGraph } from '../../lib/graph/resolve-graph.ts'
import { targetIdentities } from '../../lib/inputs/identity/target-identity.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import type { StoredObject } from '../../lib/store/store.ts'
import { fileTask } from './graphs.ts'

const bookings = externalTask({
  name: 'bookings',
  params: { month: param.month() },
  target: 'bookings/{month}/_SUCCESS',
})

describe('externalTask', () => {
  it('gives its parameters to what requires it, and its files to the nodes', () => {
    const sales = fileTask('sales', { requires: bookings })
    expect(sales.params).toEqual(bookings.params)
    const { nodes } = resolveGraph(pipeline({ name: 'p', tasks: [sales] }), { params: { month: '2001-01' } })
    expect(nodes).toMatchObject([
      {
        key: 'sales(month=2001-01)',
        requires: [],
        targets: [{ node: 'bookings(month=2001-01)', path: 'bookings/2001-01/_SUCCESS', isGlob: false }],
      },
    ])
    const year = fileTask('year', { requires: bookings.each({ month: months(2001) }) })
    expect(resolveGraph(pipeline({ name: 'p', tasks: [year] }), {}).nodes[0]?.targets?.length).toBe(12)
  })

  it('is refused with a placeholder that is no parameter', () => {
    expect(() => externalTask({ name: 'a', target: 'a/{month}/_SUCCESS' })).toThrow(
      'externalTask a: target: expected no placeholder, as there are no parameters, got {month}',
    )
  })
})

describe('the target of an external task', () => {
  const flag = { node: 'bookings', path: 'a/_SUCCESS', isGlob: false }
  const glob = { node: 'files', path: 'b/*.csv', isGlob: true }
  const bytes = (text: string) => new TextEncoder().encode(text)

  it('is missing until its flag is there, or a file matches its glob', async () => {
    const store = memoryStore()
    await store.write('a/part-1', bytes('1'))
    await store.write('b/x.txt', bytes('1'))
    await expect(targetIdentities(store, 'sales', [flag])).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: expect.stringContaining('task sales: expected a/_SUCCESS of bookings under memory:, got nothing'),
    })
    await expect(targetIdentities(store, 'sales', [glob])).rejects.toMatchObject({
      message: expect.stringContaining('expected a file that matches b/*.csv of files'),
    })
  })

  it('changes with any file below the folder of its flag, which is often empty itself, or with a match of its glob', async () => {
    const store = memoryStore()
    const identity = async () => (await targetIdentities(store, 't', [flag, glob])).map(one => one.identity)
    for (const key of ['a/_SUCCESS', 'a/part-1', 'b/x.csv', 'other']) await store.write(key, bytes(''))
    const before = await identity()
    await store.write('other', bytes('2'))
    await store.write('b/x.txt', bytes('2'))
    expect(await identity()).toEqual(before)
    await store.write('a/part-1', bytes('2'))
    const [changed, same] = await identity()
    expect([changed === before[0], same === before[1]]).toEqual([false, true])
    await store.write('b/y.csv', bytes(''))
    expect((await identity())[1]).not.toBe(same)
  })
  it('changes with a file that was edited under the same size and modification time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanmill-target-'))
    const store = diskStore(folder)
    for (const key of ['a/_SUCCESS', 'b/x.csv']) await store.write(key, bytes('id\n1\n'))
    const file = join(folder, 'b/x.csv')
    await utimes(file, 1, 1)
    const identity = async () => (await targetIdentities(store, 't', [flag, glob])).map(one => one.identity)
    const [before, { etag }] = [await identity(), (await store.stat('b/x.csv')) as StoredObject]
    expect(await identity()).toEqual(before)
    await writeFile(file, 'id\n2\n')
    await utimes(file, 1, 1)
    expect(await store.stat('b/x.csv')).toMatchObject({ etag })
    const [same, changed] = await identity()
    expect([same === before[0], changed === before[1]]).toEqual([true, false])
    await rm(folder, { recursive: true })
  })
})
