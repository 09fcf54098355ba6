/** Files that are no text, known by their first bytes. */
import { readFileSync } from 'node:fs'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { fileKindOf } from '../../lib/core/file-kind.ts'
import { buildZip } from '../zip-builder.ts'

const tar = gunzipSync(readFileSync(new URL('../fixtures/infer/archive.tar.gz', import.meta.url)))

it.each<[string, Uint8Array]>([
  ['a gzip file', gzipSync('a,b\n')],
  ['a zstd file', zstdCompressSync('a,b\n')],
  ['a bzip2 file', Buffer.from('BZh91AY&SY', 'latin1')],
  ['an xz file', Buffer.from('\xfd7zXZ\0', 'latin1')],
  ['a tar archive', tar],
  ['a zip archive', buildZip({ 'a.csv': 'a,b\n' })],
  ['an Excel workbook (.xlsx)', buildZip({ '[Content_Types].xml': '<Types/>', 'xl/workbook.xml': '<workbook/>' })],
  ['an Excel workbook (.xls)', Buffer.from('d0cf11e0a1b11ae1', 'hex')],
  ['a PDF document', Buffer.from('%PDF-1.7\n')],
  ['a Parquet file', Buffer.from('PAR1\x15\x04', 'latin1')],
])('recognises %s', (name, bytes) => {
  expect(fileKindOf(bytes)?.name).toBe(name)
})

it.each(['', 'a,b\n', 'PAR1,PAR2\n', 'PAR1\n', 'BZh9\n', 'PK,v\n', '%,x\n', '7z\n'])('takes %j for text', text => {
  expect(fileKindOf(Buffer.from(text))).toBeUndefined()
})
