import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { avro, column, csv, files, jsonLines, lines, parquetFiles, zipMembers } from '../../lib/define/index.ts'
import { fileKindOf } from '../../lib/text/file-kind.ts'
import { convertTask, type Inputs, taskOf } from '../engine/converting.ts'
import { buildZip } from '../zip-builder.ts'

const tar = Buffer.alloc(1024)
tar.write('x.csv')
tar.write('ustar  ', 257)
const contents = {
  'a tar archive': tar,
  'gzip data': gzipSync('a\n1\n'),
  'zstd data': zstdCompressSync('a\n1\n'),
  'bzip2 data': Buffer.from('BZh91AY&SY\x01', 'latin1'),
  'xz data': Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0]),
  'a zip archive': buildZip({ 'a.csv': 'a\n1\n' }),
  'an Excel workbook (xlsx)': buildZip({ '[Content_Types].xml': '<x/>', 'xl/workbook.xml': '<x/>' }),
  'an Avro file': Buffer.from('Obj\x01\x04\x14avro.codec', 'latin1'),
  // As pyarrow writes it, uncompressed.
  'an ORC file': Buffer.from('4f52430a061204080350000a120a020000120c0803120608', 'hex'),
  'an Arrow file (Feather)': Buffer.from('ARROW1\0\0\xff\xff\xff\xff', 'latin1'),
  'an old Feather file': Buffer.from('FEA1\0\0\0\0', 'latin1'),
  'an SQLite database': Buffer.from('SQLite format 3\0\x10\0', 'latin1'),
  'a Parquet file': Buffer.from('PAR1\x15\x04', 'latin1'),
}
const formats = [
  [csv(), 'text'],
  [jsonLines(), 'text'],
  [lines({ pattern: '(?<a>.*)' }), 'text'],
  [parquetFiles(), 'a Parquet file'],
  [avro(), 'an Avro file'],
] as const

describe.each(Object.entries(contents))('%s', (found, content) => {
  it.each(formats)('is refused with file and member when a task reads it as $0.kind', async (format, expected) => {
    if (found === expected) return
    const sources = { '*': files({ paths: '*', format }), 'z.zip': zipMembers({ paths: 'z.zip', format }) }
    for (const [name, source] of Object.entries(sources)) {
      const task = taskOf({ source, ...(format.kind !== 'lines' && { columns: { a: column.string() } }) })
      const inputs: Inputs = name === '*' ? { 'x.dat': content } : { 'z.zip': buildZip({ 'dir/x.dat': content }) }
      await expect(convertTask(task, { inputs })).rejects.toMatchObject({
        code: 'INPUT_INVALID',
        message: expect.stringContaining(
          `${name === '*' ? 'x.dat' : 'z.zip, member dir/x.dat'}: expected ${expected}, got ${found}; `,
        ),
      })
    }
  })
})

describe('a text', () => {
  it('may begin with the letters of another kind', () => {
    for (const text of ['ORC\nx\n', 'PAR1,a\n', 'Obj;b\n', 'ARROW1\tc\n'])
      expect(fileKindOf(Buffer.from(text))).toBeUndefined()
  })

  it('is refused with the compression when a compressed file contains something else', async () => {
    const source = files({ paths: '*', format: csv() })
    await expect(
      convertTask(taskOf({ source, columns: { a: column.string() } }), { inputs: { 'x.tar.gz': gzipSync(tar) } }),
    ).rejects.toMatchObject({
      message:
        'x.tar.gz: expected text, got a tar archive in gzip; read it with zipMembers(), and let its name end in .tar, .tar.gz, .tar.zst and so on',
    })
  })
})
