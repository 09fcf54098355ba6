import { expect, it } from 'vitest'
import { compressionOf, withoutCompression } from '../../lib/inflate/compression.ts'

it.each([
  ['a.csv', undefined, 'a.csv'],
  ['a.csv.gz', 'gzip', 'a.csv'],
  ['a.csv.GZ', 'gzip', 'a.csv'],
  ['2001/a.jsonl.zst', 'zstd', '2001/a.jsonl'],
  ['gz', undefined, 'gz'],
  ['a.gz.csv', undefined, 'a.gz.csv'],
])('recognises %s as compressed by %s, with the inner name %s', (name, compression, inside) => {
  expect(compressionOf(name)?.name).toBe(compression)
  expect(withoutCompression(name)).toBe(inside)
})
