/** Damaged Parquet files, and those of which the engine cannot read a part: right rows, or a coded error that names the file. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Columns } from '../../lib/define/definition.ts'
import { column, files, parquetFiles } from '../../lib/define/index.ts'
import { FanmillError } from '../../lib/errors/errors.ts'
import { readFooter } from '../../lib/parquet/footer.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { openThread, type Thread } from '../../lib/threads/worker/worker-thread.ts'
import { convertTask, rowsOf, taskOf } from './converting.ts'

const source = files({ paths: '**/*.parquet', format: parquetFiles() })
const fixture = (name: string): Buffer => readFileSync(`test/fixtures/parquet/${name}.parquet`)
const footerOf = (bytes: Buffer): { readonly start: number; readonly end: number } => ({
  start: bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8),
  end: bytes.length - 8,
})

const read = (bytes: Uint8Array, columns?: Columns) =>
  convertTask(taskOf({ source, ...(columns && { columns }) }), { inputs: { 'a.parquet': bytes } })

/** The footer with every occurrence of some bytes replaced. */
function withFooter(bytes: Buffer, from: readonly number[], to: readonly number[]): Buffer {
  const made = Buffer.from(bytes)
  const { start, end } = footerOf(made)
  for (
    let at = made.indexOf(Buffer.from(from), start);
    at >= 0 && at < end;
    at = made.indexOf(Buffer.from(from), at + 1)
  )
    Buffer.from(to).copy(made, at)
  return made
}

describe('a Parquet file', () => {
  it.each([
    ['bss_int', 'v', 'id'],
    ['bss_i32', 'id', 'v'],
    ['bss_fixed', 'v', 'f'],
  ])('with BYTE_STREAM_SPLIT of integers or bytes (%s) is refused for that column alone', async (name, bad, good) => {
    await expect(read(fixture(name))).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(`a.parquet, column ${bad}: expected BYTE_STREAM_SPLIT for floats alone`),
    })
    const columns = { [good]: column.float64() }
    expect((await read(fixture(name), columns)).rows.length).toBeGreaterThan(0)
  })

  it("with LZ4 in Hadoop's framing is refused by that name", async () => {
    const hadoop = withFooter(fixture('lz4_raw'), [0x15, 0x0e, 0x16], [0x15, 0x0a, 0x16])
    const { start, end } = footerOf(hadoop)
    expect(readFooter(hadoop.subarray(start, end)).rowGroups[0]?.columns[0]?.codec).toBe(5)
    await expect(read(hadoop)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(/a\.parquet, column id: expected compression by .*, got LZ4 in Hadoop's framing/),
    })
    expect((await read(fixture('lz4_raw'))).rows).toHaveLength(300)
  })

  it('fails when its footer has another row count than its row groups', async () => {
    const whole = fixture('plain')
    const { start, end } = footerOf(whole)
    const footer = readFooter(whole.subarray(start, end))
    expect(whole[start + footer.schemaEnd]).toBe(0x16)
    const wrong = Buffer.from(whole)
    wrong[start + footer.schemaEnd + 1] = 0xda
    await expect(read(wrong)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(
        /^a\.parquet: expected a Parquet file, got a footer of 301 rows, whose row groups have 300/,
      ),
    })
  })

  it.each([
    ['empty', Buffer.alloc(0), 'only 0 bytes'],
    ['a text', Buffer.from('id,name\n1,a\n2,b\n'), 'does not begin with PAR1'],
    ['cut short', fixture('plain').subarray(0, 2000), 'does not end with PAR1'],
    [
      'encrypted as a whole',
      Buffer.concat([Buffer.from('PARE'), fixture('plain').subarray(4, -4), Buffer.from('PARE')]),
      'an encrypted footer; decrypt it first',
    ],
    [
      'of an encrypted footer',
      Buffer.concat([fixture('plain').subarray(0, -4), Buffer.from('PARE')]),
      'an encrypted footer',
    ],
  ])('that is %s fails with its name', async (_name, bytes, message) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(new RegExp(`^a\\.parquet: expected a Parquet file, got .*${message}`)),
    })
  })
})

describe('a mutated Parquet file', () => {
  let folder = ''
  let thread: Thread
  const store = memoryStore()
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fanmill-damaged-'))
    for (const name of ['stage', 'parts']) mkdirSync(join(folder, name))
    const columns = { id: column.int32(), v: column.int64(), s: column.string() }
    const setup = {
      ...{
        params: {},
        input: store,
        tables: [],
        stageFolder: join(folder, 'stage'),
        partFolder: join(folder, 'parts'),
      },
      ...{ engineBytes: 256 * 1024 * 1024, stageBytesMax: 1e9 },
    }
    thread = await openThread(taskOf({ source, columns }), setup, () => undefined)
  })
  afterAll(() => {
    thread.close()
    rmSync(folder, { recursive: true, force: true })
  })

  let jobs = 0
  const outcome = async (bytes: Buffer): Promise<string> => {
    const key = 'in/damaged.parquet'
    const input = { key, sizeBytes: bytes.length, etag: await store.write(key, bytes), identity: '' }
    const slice = { kind: 'file', slice: 0, input: 0, bytes: bytes.length } as const
    const target = join(folder, 'parts', `p${jobs++}`)
    try {
      const job = { kind: 'share', slices: [slice], inputs: { 0: input }, target, groupBytes: 1e9 } as const
      const result = await thread.run<'share'>(job)
      const rows = await rowsOf(result.parts.map(part => part.file))
      return JSON.stringify([rows, result.rowsRejected])
    } catch (error) {
      if (!(error instanceof FanmillError)) throw error
      return error.message.includes(key) ? `named ${error.code}` : `not named: ${error.code} ${error.message}`
    }
  }

  /** Seeded, so that a failure comes again. */
  function* mutations(whole: Buffer, { start, end }: { readonly start: number; readonly end: number }, count: number) {
    let state = 20_240_131
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (let index = 0; index < count; index++) {
      const made = Buffer.from(whole)
      const at = start + next(end - start)
      made[at] = index % 3 === 0 ? next(256) : (made[at] ?? 0) ^ (1 << next(8))
      yield made
    }
  }

  it.each(['plain', 'snappy'].flatMap(name => ['footer', 'pages'].map(part => [name, part])))(
    '(%s) gives its rows, or an error with its name, whatever byte of its %s changes',
    async (name = '', part) => {
      const whole = fixture(name)
      const right = await outcome(whole)
      expect(right).toContain('"id":"299"')
      const footer = footerOf(whole)
      const found = new Map<string, number>()
      for (const made of mutations(whole, part === 'footer' ? footer : { start: 0, end: footer.start }, 250)) {
        const given = await outcome(made)
        const kind = given === right ? 'right' : given.startsWith('[') ? `other rows ${given.slice(0, 300)}` : given
        found.set(kind, (found.get(kind) ?? 0) + 1)
      }
      const allowed = ['right', 'named INPUT_INVALID', 'named COLUMN_MISSING']
      expect([...found.keys()].filter(kind => !allowed.includes(kind))).toEqual([])
      expect(found.get('right')).toBeGreaterThan(0)
      expect(found.get('named INPUT_INVALID')).toBeGreaterThan(0)
    },
  )
})
