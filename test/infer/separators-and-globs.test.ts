/** Numbers with separators, globs and folders, in what is inferred. */
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import { folderOf } from '../cli/fanmill.ts'

it.each([
  ['decimal commas', ['12,50', '-3', '0,5'], "column.float64({ decimalSeparator: ',' }),"],
  [
    'points between thousands',
    ['1.234,50', '7', '12.345.678'],
    "column.float64({ decimalSeparator: ',', thousandsSeparator: '.' }),",
  ],
  ['commas between thousands', ['1,234,567', '12'], "column.int64({ thousandsSeparator: ',' }),"],
  ['commas between thousands and a point', ['1,234.5', '12'], "column.float64({ thousandsSeparator: ',' }),"],
  ['decimal commas and nulls', ['12,50', 'NA'], "column.float64({ decimalSeparator: ',', nullValues: ['NA'] }),"],
  ['identifiers with leading zeros', ['01,234', '12,50'], 'column.string(),'],
  ['lists', ['1,2,3', '4'], 'column.string(),'],
  [
    'decimal commas, but for one text',
    ['1,5', '2,25', '3,5', 'auf Anfrage'],
    `column.string(), // 3 of 4 different values are float64 with decimalSeparator ','; "auf Anfrage" is not`,
  ],
  [
    'commas of two meanings',
    ['1,234', '12,500'],
    "column.string(), // numbers whose comma stands before decimals or between thousands: write column.float64({ decimalSeparator: ',' }) or column.int64({ thousandsSeparator: ',' })",
  ],
])('a CSV with numbers that have %s gets their separators', async (_, texts, expected) => {
  const folder = folderOf({ 'x.csv': `other;value\n${texts.map(text => `x;${text}\n`).join('')}` })
  const { source } = await fanmill.infer(join(folder, 'x.csv'))
  expect(source).toContain(`  value: ${expected}\n`)
})

it('files are found by a glob, and a name with brackets as it is', async () => {
  const [text, other] = ['id,v\n1,2\n', 'n\nx\n']
  const root = folderOf({
    'd-1/a.csv': text,
    'd-1/b.csv': text,
    'd-1/c (1).csv': text,
    'd-1/deep/d.csv': other,
    'd-2/e.txt': other,
  })
  const sampledBy = async (glob: string) => (await fanmill.infer(join(root, glob))).sampled
  expect(await sampledBy('d-*/*.csv')).toEqual(['a.csv', 'b.csv', 'c (1).csv'])
  expect(await sampledBy('d-1/c (1).csv')).toEqual(['c (1).csv'])
  expect(await sampledBy('d-1/[ab].csv')).toEqual(['a.csv', 'b.csv'])
  await expect(sampledBy('d-1/*.tsv')).rejects.toMatchObject({
    code: 'NO_INPUT',
    message: `expected files that match ${join(root, 'd-1/*.tsv')}, got none; check the pattern`,
  })
})

it('a folder is its files of the kind that has most bytes, also those in folders below it', async () => {
  const rows = Array.from({ length: 20 }, (_, id) => `${id},x\n`).join('')
  const root = folderOf({
    'b.CSV': 'id,v\n1,2\n',
    'deep/a.csv.gz': gzipSync(`id,v\n${rows}`),
    'empty.csv': '',
    'notes.json': '{"a": 1}',
    'README.md': 'hello'.repeat(1000),
    '.hidden/c.csv': 'other\nx\n',
    'node_modules/d.csv': 'other\nx\n',
  })
  const { source, ...found } = await fanmill.infer(root)
  expect(found).toMatchObject({ sampled: ['b.CSV', 'a.csv.gz'], rows: 21, rowsRejected: 0 })
  expect(source).toMatch(/^\/\/ left out are files of other kinds: notes\.json\n/)
})
