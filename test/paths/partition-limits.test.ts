import { expect, it } from 'vitest'
import { checkFolderLength, folderBytesLeft } from '../../lib/paths/partition-limits.ts'

it('leaves for folders the rest of a key of 1,024 bytes after its prefix and its part', () => {
  expect(folderBytesLeft('lake/日/', 'part-0.parquet')).toBe(1024 - 9 - 14)
})

it('measures all folders with their slashes', () => {
  const partition = { a: 'x', b: null }
  const bytes = Buffer.byteLength('a=x/b=__HIVE_DEFAULT_PARTITION__/')
  checkFolderLength(partition, bytes)
  expect(() => checkFolderLength(partition, bytes - 1)).toThrow(`at most ${bytes - 1} bytes under this output`)
})
