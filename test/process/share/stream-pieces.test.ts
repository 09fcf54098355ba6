import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { csv, files, parquet, task } from '../../../lib/index.ts'
import { streamPieces } from '../../../lib/process/share/stream-pieces.ts'
import type { StagedFile } from '../../../lib/stage/staged-file.ts'
import { diskStore } from '../../../lib/store/disk/store.ts'

const mib = 1024 * 1024
const groupBytes = 32 * mib

it('stages small groups first, so that no thread waits for a full one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pieces-'))
  const lines = Array.from({ length: 3_000_000 }, (_, index) => `${1_000_000 + index}\n`)
  await writeFile(join(folder, 'a.csv.gz'), gzipSync(`id\n${lines.join('')}`))
  const store = diskStore(folder)
  const { etag = '', sizeBytes = 0 } = (await store.stat('a.csv.gz')) ?? {}
  const input = { key: 'a.csv.gz', sizeBytes, etag, identity: 'i' }
  const slice = { kind: 'stream', slice: 0, input: 0, bytes: sizeBytes } as const
  const definition = task({
    name: 'ids',
    source: files({ paths: '*.gz', format: csv() }),
    output: parquet({ path: 'ids' }),
  })
  const sizes: number[] = []
  let records = 0
  const options = { input: store, task: definition, folder: join(folder, 'staged'), groupBytes }
  for await (const piece of streamPieces(slice, input, options)) {
    if ('skipped' in piece) throw new Error('expected no bad stream')
    const staged = piece.staged.files as readonly StagedFile[]
    sizes.push(Math.round(staged.reduce((sum, { bytes }) => sum + bytes, 0) / mib))
    records += staged.reduce((sum, file) => sum + file.records, 0)
    piece.discard()
  }
  expect(records).toBe(3_000_000)
  expect(sizes.slice(0, 4)).toEqual([2, 4, 8, 8])
})
