import { describe, expect, it } from 'vitest'
import { csv, files, zipMembers } from '../../lib/define/index.ts'
import { CapacityError } from '../../lib/errors/errors.ts'
import { findInputs } from '../../lib/inputs/find-inputs.ts'
import { openedAtOnce } from '../../lib/inputs/open-input.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import type { Store, StoredObject } from '../../lib/store/store.ts'
import { zipText } from '../../lib/testing/zip-text.ts'
import { buildZip } from '../zip-builder.ts'

const format = csv()
const task = { name: 'sales', params: {}, onEmpty: 'fail' } as const
const archivesOf = (members: string) => zipMembers({ paths: 'in/*.zip', members, format })

describe('an input glob without a match', () => {
  it('fails with glob, root and the nearest names, except those of state and packages', async () => {
    const input = memoryStore()
    const keys = ['.fanmill/incoming/a.zip', 'node_modules/incoming/b.zip', 'incoming/2001.zip', 'other/readme.txt']
    for (const key of keys) await input.write(key, Buffer.from('x'))
    const finding = findInputs({
      input,
      params: {},
      task: { ...task, source: files({ paths: 'incomming/*.csv', format }) },
    })
    await expect(finding).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: `nothing under ${input.url} matches incomming/*.csv; nearest are incoming/2001.zip, other/readme.txt`,
      detail: { glob: 'incomming/*.csv', root: input.url, nearest: ['incoming/2001.zip', 'other/readme.txt'] },
    })
  })

  it('proposes the folder below the root in which files match', async () => {
    const input = memoryStore()
    for (const key of ['data/2024/orders.csv', 'raw/orders-1.csv', 'raw/orders.csv.bak'])
      await input.write(key, Buffer.from('x'))
    const source = files({ paths: 'orders*.csv', format })
    await expect(findInputs({ input, params: {}, task: { ...task, source } })).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: `nothing under ${input.url} matches orders*.csv, but files in raw/ do; set the input root, --input ${input.url}/raw, or begin paths with raw/`,
    })
  })

  it('proposes a folder several levels below the root, also behind many packages', async () => {
    const input = memoryStore()
    for (let at = 0; at < 10_000; at++) await input.write(`app/node_modules/p/${at}.js`, Buffer.from(''))
    for (const key of ['shop/in/2024/orders-1.csv', 'shop/in/2024/orders-2.csv', 'test/orders-sample.csv'])
      await input.write(key, Buffer.from('x'))
    const source = files({ paths: 'orders*.csv', format })
    await expect(findInputs({ input, params: {}, task: { ...task, source } })).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: expect.stringContaining(
        `but files in shop/in/2024/ do; set the input root, --input ${input.url}/shop/in/2024,`,
      ),
    })
  })

  it('fails with the archive and the nearest members when only the members do not match', async () => {
    const input = memoryStore()
    await input.write('in/a.zip', zipText({ 'readme.txt': 'x', 'data/2.csv': 'id\n', 'data/1.csv': 'id\n' }))
    const finding = findInputs({ input, params: {}, task: { ...task, source: archivesOf('**/*.cvs') } })
    await expect(finding).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: `no member of in/a.zip under ${input.url} matches **/*.cvs; nearest are data/1.csv, data/2.csv, readme.txt`,
    })
  })

  it('fails with the first fault when every member that matches is skipped as bad', async () => {
    const input = memoryStore()
    await input.write('in/a.zip', buildZip([{ name: 'a.csv', data: 'id\n1\n', encrypted: true }]))
    const source = archivesOf('**/*.csv').with({ onBadMember: 'skip' })
    await expect(findInputs({ input, params: {}, task: { ...task, source } })).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: `all 1 members of in/a.zip under ${input.url} that match **/*.csv are skipped as bad, the first: member a.csv of in/a.zip: expected no encryption; decrypt the archive first`,
    })
  })

  it('names the file that is no archive among others', async () => {
    const input = memoryStore()
    await input.write('in/a.zip', zipText({ 'a.csv': 'id\n1\n' }))
    await input.write('in/b.zip', zipText({ 'b.csv': 'id\n1\n' }).subarray(0, -8))
    const finding = findInputs({ input, params: {}, task: { ...task, source: archivesOf('**') } })
    await expect(finding).rejects.toMatchObject({
      code: 'ZIP_NO_DIRECTORY',
      message: expect.stringMatching(/^in\/b\.zip: expected an end of central directory/),
    })
  })

  it('is no failure when the task allows it', async () => {
    const found = await findInputs({
      input: memoryStore(),
      params: {},
      task: { ...task, source: archivesOf('**'), onEmpty: 'succeed' },
    })
    expect(found).toMatchObject({ inputs: [], memberCount: 0, bytesIn: 0 })
  })
})

describe('the identities of files', () => {
  const paths = { ...task, source: files({ paths: 'in/*.csv', format }) }

  /** The most requests at the same time. */
  async function mostAtOnce(input: Store): Promise<number> {
    for (let index = 0; index < 40; index++) await input.write(`in/${index}.csv`, Buffer.from('id\n'))
    let [now, most] = [0, 0]
    const identify = async ({ key }: StoredObject): Promise<string> => {
      most = Math.max(most, ++now)
      await new Promise(setImmediate)
      now--
      return key
    }
    const { inputs } = await findInputs({ input, params: {}, task: paths, identify })
    expect(inputs.map(each => each.identity)).toEqual(inputs.map(each => each.key))
    return most
  }

  it('are requested many at once when the store keeps them, and computed one after another when files are read', async () => {
    const inspect = async () => ({ etagOf: 'content' }) as const
    expect(await mostAtOnce(Object.assign(memoryStore(), { inspect }))).toBe(16)
    expect(await mostAtOnce(memoryStore())).toBe(1)
  })

  it('let other work run between small files, which are read without waiting', async () => {
    const store = memoryStore()
    for (let index = 0; index < 2000; index++) await store.write(`in/${index}.csv`, Buffer.from('id\n'))
    const input = Object.assign(store, { readNow: () => Buffer.from('id\n') })
    const aborting = new AbortController()
    let requested = 0
    const identify = async (): Promise<string> => {
      if (++requested === 1) setImmediate(() => aborting.abort(new CapacityError('OUT_OF_TIME', 'the time is up')))
      return 'same'
    }
    const finding = findInputs({ input, params: {}, task: paths, identify, signal: aborting.signal })
    await expect(finding).rejects.toMatchObject({ code: 'OUT_OF_TIME' })
    expect(requested).toBeLessThanOrEqual(openedAtOnce)
  })

  it('are no longer requested after an abort, which fails with its reason', async () => {
    const input = memoryStore()
    for (let index = 0; index < 40; index++) await input.write(`in/${index}.csv`, Buffer.from('id\n'))
    const aborting = new AbortController()
    let requested = 0
    const identify = async (): Promise<string> => {
      if (++requested === 5) aborting.abort(new CapacityError('OUT_OF_TIME', 'the time is up'))
      return 'same'
    }
    const finding = findInputs({ input, params: {}, task: paths, identify, signal: aborting.signal })
    await expect(finding).rejects.toMatchObject({ code: 'OUT_OF_TIME' })
    expect(requested).toBe(5)
  })
})
