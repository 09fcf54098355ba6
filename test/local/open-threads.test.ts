import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { column, csv, files, parquet, task, zipMembers } from '../../lib/index.ts'
import { findInputs } from '../../lib/inputs/find-inputs.ts'
import { openThreads } from '../../lib/local/open-threads.ts'
import type { Workers } from '../../lib/model/worker-job.ts'
import { openStore } from '../../lib/store/open-store.ts'
import { buildZip } from '../zip-builder.ts'

const columns = { id: column.int32() }
const output = parquet({ path: 'out' })
const text = task({ name: 'text', source: files({ paths: '*.csv', format: csv() }), columns, output })
const zipped = task({
  name: 'zipped',
  source: zipMembers({ paths: '*.zip', members: '*.csv', format: csv() }),
  columns,
  output,
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-open-threads-'))
})

/** Finds the inputs of a task, and returns how many threads have opened it by then, of four. */
async function opened(of: typeof text | typeof zipped, { isAlone = true } = {}): Promise<number> {
  let count = 0
  const run = async () => {
    count++
    return { schema: [] }
  }
  const opening = openThreads({ threads: 4, run } as unknown as Workers, of, isAlone)
  expect(count).toBe(1)
  const input = openStore({ kind: 'disk', folder })
  const finding = findInputs({ input, task: of, params: {}, threads: 4, onMatched: opening.onMatched })
  opening.onFound(finding)
  await finding
  expect(await opening.checked).toEqual({ schema: [] })
  return count
}

const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content)

describe('a task that is alone in its run', () => {
  it('is opened by one thread for a single small file, which no other could share', async () => {
    write('a.csv', 'id\n1\n')
    expect(await opened(text)).toBe(1)
  })

  it('is opened by all threads for two files, and once by each', async () => {
    write('a.csv', 'id\n1\n')
    write('b.csv', 'id\n2\n')
    expect(await opened(text)).toBe(4)
  })

  it('is opened by all threads for a large file, before its bytes are read', async () => {
    write('a.csv', 'id\n1\n')
    truncateSync(join(folder, 'a.csv'), 2 << 20)
    let count = 0
    const run = async () => {
      count++
      return { schema: [] }
    }
    const opening = openThreads({ threads: 4, run } as unknown as Workers, text, true)
    const input = openStore({ kind: 'disk', folder })
    const counts: number[] = []
    const identify = async () => `${counts.push(count)}`
    await findInputs({ input, task: text, params: {}, threads: 4, identify, onMatched: opening.onMatched })
    expect(counts).toEqual([4])
  })

  it('is opened by as many threads as get members of an archive', async () => {
    write('a.zip', buildZip({ 'a.csv': 'id\n1\n' }))
    expect(await opened(zipped)).toBe(1)
    write('b.zip', buildZip({ 'b.csv': 'id\n1\n' }))
    expect(await opened(zipped)).toBe(4)
  })
})

describe('a task among other nodes', () => {
  it('is opened by one thread', async () => {
    write('a.csv', 'id\n1\n')
    write('b.csv', 'id\n2\n')
    expect(await opened(text, { isAlone: false })).toBe(1)
  })
})
