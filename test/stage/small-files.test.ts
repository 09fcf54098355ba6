/** Small files are read and inflated in one go, many at a time, with the same errors as other files. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { csv } from '../../lib/define/index.ts'
import type { InputObject } from '../../lib/model/plan-data.ts'
import { type StagedSlices, stageSlices, wantedRanges } from '../../lib/stage/stage-slices.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { readAhead } from '../../lib/store/read-ahead.ts'
import type { Reader } from '../../lib/store/store.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-small-'))
  mkdirSync(join(folder, 'stage'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const text = 'id,name\n1,a\n2,b\n'

async function inputsOf(contents: Readonly<Record<string, string | Uint8Array>>): Promise<InputObject[]> {
  for (const [key, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, 'in', key)), { recursive: true })
    writeFileSync(join(folder, 'in', key), content)
  }
  const inputs: InputObject[] = []
  for await (const { key, sizeBytes, etag } of diskStore(join(folder, 'in')).list(''))
    inputs.push({ key, sizeBytes, etag, identity: '' })
  return inputs
}

const slicesOf = (inputs: readonly InputObject[]) =>
  inputs.map(({ sizeBytes }, index) => ({ kind: 'file', slice: index, input: index, bytes: sizeBytes }) as const)

const stageAll = (inputs: readonly InputObject[], store: Reader): Promise<StagedSlices> =>
  stageSlices(
    { kind: 'slices', slices: slicesOf(inputs), inputs: Object.fromEntries(inputs.entries()) },
    {
      store,
      folder: join(folder, 'stage'),
      format: csv(),
      columns: { id: { kind: 'column', type: 'int32' }, name: { kind: 'column', type: 'string' } },
      onNewColumn: 'ignore',
      onMissingColumn: 'fail',
      onBadMember: 'fail',
      limits: { memberBytesMax: 1e9 },
      stageBytesMax: 1e9,
      isLocated: false,
    },
  )

const stageDisk = async (contents: Readonly<Record<string, string | Uint8Array>>): Promise<StagedSlices> =>
  stageAll(await inputsOf(contents), diskStore(join(folder, 'in')))

describe('small files', () => {
  it('with the same header are staged in one file and counted separately', async () => {
    const contents = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${1000 + index}.csv`, text]))
    const staged = await stageDisk({ ...contents, 'g.csv': 'name,id\nx,3\n', 'h.csv': '' })
    expect(staged.files.filter(file => file.records > 0).map(file => file.members.length)).toEqual([300, 1])
    expect(staged).toMatchObject({ memberCount: 302, recordsFound: 601, bytesIn: 300 * text.length + 12 })
    expect(staged.members.slice(0, 2)).toMatchObject([
      { archive: 'f1000.csv', member: '', records: 2 },
      { archive: 'f1001.csv', member: '', records: 2 },
    ])
  })

  it('are inflated with any gzip members, frames and padding', async () => {
    const more = '3,c\n'
    const staged = await stageDisk({
      'a.csv.gz': gzipSync(text),
      'b.csv.gz': Buffer.concat([gzipSync(text), gzipSync(more)]),
      'c.csv.gz': Buffer.concat([gzipSync(text), Buffer.alloc(700)]),
      'd.csv.zst': Buffer.concat([zstdCompressSync(text), zstdCompressSync(more)]),
      'e.csv.gz': gzipSync(text + more.repeat(4_000_000)),
    })
    expect(staged.members.reduce((sum, { records }) => sum + records, 0)).toBe(4_000_012)
    expect(staged.memberCount).toBe(5)
  })

  it.each([
    ['cut short', gzipSync(text).subarray(0, 20), 'its compressed data is cut short'],
    [
      'followed by something else',
      Buffer.concat([gzipSync(text), Buffer.from('junk')]),
      'its compressed data is damaged',
    ],
    ['no gzip', Buffer.from(text), 'its compressed data is damaged'],
  ])('that are %s are refused by name', async (_name, content, message) => {
    await expect(stageDisk({ 'a.csv.gz': gzipSync(text), 'b.csv.gz': content })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(`b.csv.gz: ${message}`),
    })
  })

  it('that changed or disappeared since the plan end the run', async () => {
    const inputs = await inputsOf({ 'a.csv': text, 'b.csv': text })
    const store = diskStore(join(folder, 'in'))
    appendFileSync(join(folder, 'in', 'b.csv'), '9,z\n')
    await expect(stageAll(inputs, store)).rejects.toMatchObject({ code: 'INPUT_CHANGED', detail: { key: 'b.csv' } })
    rmSync(join(folder, 'in', 'a.csv'))
    await expect(stageAll(inputs, store)).rejects.toMatchObject({ code: 'DATASET_MISSING' })
  })

  it('are requested sixteen at a time from a remote store', async () => {
    const inputs = await inputsOf(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${100 + at}.csv`, text])))
    const memory = memoryStore()
    const pinned: InputObject[] = []
    for (const input of inputs) pinned.push({ ...input, etag: await memory.write(input.key, Buffer.from(text)) })
    let [open, most] = [0, 0]
    const counting: Reader = {
      url: memory.url,
      stream: (key, options) => memory.stream(key, options),
      async read(key, options) {
        most = Math.max(most, ++open)
        await new Promise(resolve => setImmediate(resolve))
        open--
        return memory.read(key, options)
      },
    }
    const job = { slices: slicesOf(pinned), inputs: Object.fromEntries(pinned.entries()) }
    const staged = await stageAll(pinned, readAhead(counting, wantedRanges(job, counting), { readsMax: 1 }))
    expect(staged.recordsFound).toBe(100)
    expect(most).toBe(16)
  })
})
