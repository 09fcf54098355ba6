/** Numbers of JSON lines in columns of decimals: the engine reads them as doubles, and prints these. */
import { expect, it } from 'vitest'
import { column, files, jsonLines } from '../../../../lib/define/index.ts'
import { convertTexts } from '../../text-rejects.ts'

const source = files({ paths: '*', format: jsonLines() })

it("keep every digit, or are rejected where it is not certain which number is the column's", async () => {
  const types = { d: column.decimal(20, 2), i: column.int64() }
  const done = await convertTexts(
    {
      'x.jsonl':
        '{"d":12345678901234567.25}\n{"d":"12345678901234567.25"}\n{"d":1.25,"i":9007199254740993}\n{"\\u0064":12345678901234567.25}\n',
    },
    { source, columns: types },
  )
  expect(done.rejects).toMatchObject([
    { line: 4, column: 'd', received: expect.stringContaining('write it as a string') },
  ])
  expect(done.rows).toEqual([
    { d: '12345678901234567.25', i: null },
    { d: '12345678901234567.25', i: null },
    { d: '1.25', i: '9007199254740993' },
  ])
})

it('keep the digits of decimals that a double drops, or are rejected', async () => {
  const types = { d: column.decimal(38, 20), l: column.list(column.decimal(38, 20)) }
  const texts = ['0.10000000000000000001', '1.00000000000000000001', '9.000000000000001', '100.000000000000005', '1e-7']
  const lines = texts.map(text => `{"d":${text},"z":1000000000000000000}\n{"l":[${text}]}\n`)
  const done = await convertTexts({ 'x.jsonl': lines.join('') }, { source, columns: types })
  expect(done.rows).toEqual([
    { d: '0.10000000000000000001', l: null },
    { d: '1.00000000000000000001', l: null },
    { d: '9.00000000000000100000', l: null },
    { d: '100.00000000000000500000', l: null },
    { d: '0.00000010000000000000', l: null },
    { d: null, l: '[0.00000010000000000000]' },
  ])
  expect(done.rejects.map(({ line, column: name }) => `${line} ${name}`)).toEqual(['2 l', '4 l', '6 l', '8 l'])
})

it('are read as decimals, also where the engine prints them with an exponent', async () => {
  const types = {
    d: column.decimal(38, 10),
    l: column.list(column.decimal(38, 10)),
    s: column.struct({ d: column.decimal(38, 10) }),
  }
  const lineOf = (number: string) => `{"d":${number},"l":[${number}],"s":{"d":${number}}}\n`
  const written = [
    ['0.00001', '0.0000100000'],
    ['-0.0000000125', '-0.0000000125'],
    ['1e-10', '0.0000000001'],
    ['1E-7', '0.0000001000'],
    ['1e5', '100000.0000000000'],
    ['1.5e22', '15000000000000000000000.0000000000'],
  ] as const
  const bad = ['1e-11', '-0.00000000001', '1.5e-10', '1e28', '1e38', '1e300', '1e-300']
  const texts = [...written.map(([text]) => text), ...bad]
  const done = await convertTexts({ 'x.jsonl': texts.map(lineOf).join('') }, { source, columns: types })
  expect(done.rows).toEqual(written.map(([, d]) => ({ d, l: `[${d}]`, s: `{'d': ${d}}` })))
  expect(done.rejects.map(({ line }) => line)).toEqual(bad.map((_, index) => written.length + index + 1))
  for (const name of ['l', 's']) {
    const alone = { [name]: types[name as 'l' | 's'] }
    const nested = await convertTexts({ 'x.jsonl': texts.map(lineOf).join('') }, { source, columns: alone })
    expect(nested.rejects.map(({ line }) => line)).toEqual(bad.map((_, index) => written.length + index + 1))
  }
})
