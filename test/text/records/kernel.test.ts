import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../lib/text/records/dialect.ts'
import { RecordSkipper, windowBytesMax } from '../../../lib/text/records/kernel.ts'
import { RecordMachine, type RecordTally } from '../../../lib/text/records/machine.ts'
import { kernelFile, kernelModule, kernels } from '../../../scripts/build-kernel.ts'

const csv: Dialect = { delimiter: ',', quote: '"', escape: '"' }
const lines: Dialect = { delimiter: ',', quote: '', escape: '' }
const dialect = fc.constantFrom<Dialect>(
  csv,
  csv,
  lines,
  { ...csv, delimiter: '\t' },
  { ...csv, quote: "'", escape: "'" },
)

/** Texts made of a few pieces. */
const text = fc
  .constantFrom(
    ['a', '\n'],
    ['"', '\n', ','],
    ['\r', '\n', ' ', ',"'],
    ['a,b', ',"', '",', '"\r\n', '\r\n"', '\r\n', '\n', '""'],
    ['a', 'bcd', ',', ',"', '",', '"\n', '\n"', '""', '\n', '\t', "'", ",'", "'\n"],
    ['a', ',', ',"', '",', '"\n', '\n', '\r', '\r\n', ' "', '" ', 'a"', '"a', '\0', 'ÿ'],
  )
  .chain(pieces => fc.array(fc.constantFrom(...pieces), { maxLength: 300, size: 'max' }))
  .map(parts => Buffer.from(parts.join(''), 'latin1'))

/** Whole records of many shapes with one kind of newline, with or without an irregular one among them. */
const records = fc
  .tuple(
    fc.array(fc.constantFrom('', 'a,b', '"a",b', 'a,"\n\r\n"', '"x ""y"" z"', `${'w'.repeat(61)},""`, '"\n"'), {
      minLength: 1,
      maxLength: 30,
    }),
    fc.constantFrom('\n', '\r\n'),
    fc.constantFrom('', 'a"b', '1, "\n"', '\r', '1\r2', '"a"b', '"a" ,', '"open'),
  )
  .map(([rows, newline, put]) => Buffer.from([...rows, put, ...rows].map(row => row + newline).join('')))

interface Counted {
  /** Offset after the last record. */
  readonly end: number
  readonly tally: Readonly<RecordTally>
}

/** Jumps as far as possible, and notes the end of the first jump. */
function skip(bytes: Uint8Array, given: Dialect, from = 0): Counted & { readonly first: number } {
  const machine = new RecordMachine(given)
  const skipper = new RecordSkipper(bytes, given, machine.tally)
  let at = skipper.jump(from)
  let end = at
  const first = at
  while (at < bytes.length) {
    at = machine.step(bytes, at)
    if (machine.isAtStart) end = at = skipper.jump(at)
  }
  return { end, tally: machine.tally, first }
}

function step(bytes: Uint8Array, given: Dialect, from = 0): Counted {
  const machine = new RecordMachine(given)
  let end = from
  for (let at = from; at < bytes.length; ) {
    at = machine.step(bytes, at)
    if (machine.isAtStart) end = at
  }
  return { end, tally: machine.tally }
}

describe('RecordSkipper', () => {
  it.each([
    ['texts over a few pieces', text],
    ['records', records],
  ])('counts and ends as the machine does in %s', (_, made) => {
    fc.assert(
      fc.property(made, dialect, (bytes, given) => {
        expect(skip(bytes, given)).toMatchObject(step(bytes, given))
      }),
      { numRuns: 3_000 },
    )
  })

  it('counts the same across the borders of its windows, and from any record on', () => {
    const filler = Buffer.from(`"${'x'.repeat(97)}",\n`.repeat(Math.ceil(windowBytesMax / 101)))
    fc.assert(
      fc.property(fc.oneof(text, records), dialect, fc.nat(150), fc.boolean(), (bytes, given, before, isQuoted) => {
        const start = Buffer.from(isQuoted ? 'a,"\n"\n' : '\n')
        const head = Buffer.concat([start, filler.subarray(0, windowBytesMax - before)])
        const whole = Buffer.concat([head, bytes])
        expect(skip(whole, given, start.length)).toMatchObject(step(whole, given, start.length))
      }),
      { numRuns: 150 },
    )
  })

  it.each([
    'a"b\n",c\n"\n',
    '"a"b,"c"d\n',
    `"a"b,"${'y'.repeat(60)}"d\n`,
    '"a" ,"b\n"\n',
    ' "a\n",b\n',
    '"a","b"\r\n\r\n\r\n',
    '"a"\rb\n',
    'a\rb\r\n\n\n',
    '"a\r\n\r\n"""\n""\n"\n',
  ])('counts %j rightly at any place of a block', row => {
    for (let before = 0; before < 130; before++) {
      const bytes = Buffer.from(`${'x'.repeat(before)},${row}${'1,2\n'.repeat(20)}`)
      expect(skip(bytes, csv)).toMatchObject(step(bytes, csv))
    }
  })

  it.each([
    ['line feeds', 'a,"b\nc",""\n'],
    ['CRLF', '\r\na,"b\nc",""\r\n'],
    ['doubled quotes', '"""",a,"""b"",",""""""\n'],
  ])('goes through %s in one jump', (_, row) => {
    const bytes = Buffer.from(row.repeat(20_000))
    expect(skip(bytes, csv).first).toBe(bytes.length)
  })

  it('continues after an irregular record', () => {
    const bytes = Buffer.from(`${'1,"2"\n'.repeat(5_000)}a"b, "c"\n`.repeat(20))
    expect(skip(bytes, csv)).toMatchObject({ first: bytes.length, tally: { records: 20 * 5_001, lf: 20 * 5_001 } })
  })

  it('reads bytes that do not begin at the start of their buffer', () => {
    const bytes = Buffer.from(`"\n${'1,"2"\n'.repeat(100)}`).subarray(2)
    expect(skip(bytes, csv)).toMatchObject({ end: bytes.length, tally: { records: 100, lines: 100, blankLines: 0 } })
  })
})

describe.each(kernels)('the kernel %s', kernel => {
  it('is what its source compiles to', async () => {
    expect(readFileSync(kernelFile(kernel), 'utf8')).toBe(await kernelModule(kernel))
  })
})
