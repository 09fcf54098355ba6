/** Parses CSV to columns and prints their values, for tests. */
import { expect } from 'vitest'
import { csv } from '../../../lib/define/index.ts'
import { ColumnParser } from '../../../lib/text/columns/column-parser.ts'
import type { FieldKind } from '../../../lib/text/columns/field-kind.ts'
import { dialectOf } from '../../../lib/text/records/dialect.ts'

/** Prints the values of each kind. */
const printed: Readonly<Record<FieldKind['kind'], (values: Buffer, scale: number) => readonly string[]>> = {
  text: values => textsOf(values),
  int32: values => numbersOf(values, 4, at => `${values.readInt32LE(at)}`),
  int64: values => numbersOf(values, 8, at => `${values.readBigInt64LE(at)}`),
  decimal: values => numbersOf(values, 8, at => `${values.readBigInt64LE(at)}`),
  float32: values => numbersOf(values, 4, at => floatText(values.readFloatLE(at))),
  float64: values => numbersOf(values, 8, at => floatText(values.readDoubleLE(at))),
  boolean: values => numbersOf(values, 1, at => ['false', 'true'][values.readUInt8(at)] ?? 'neither'),
  date: values => numbersOf(values, 4, at => new Date(values.readInt32LE(at) * 86_400_000).toISOString().slice(0, 10)),
  time: values => numbersOf(values, 8, at => timestampText(values.readBigInt64LE(at)).slice(11)),
  timestamp: values => numbersOf(values, 8, at => timestampText(values.readBigInt64LE(at))),
}

const floatText = (value: number): string => (Object.is(value, -0) ? '-0' : `${value}`)

const numbersOf = (values: Buffer, bytes: number, print: (at: number) => string): string[] =>
  Array.from({ length: values.length / bytes }, (_, index) => print(index * bytes))

function textsOf(values: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at < values.length; at += 4 + values.readUInt32LE(at))
    texts.push(values.subarray(at + 4, at + 4 + values.readUInt32LE(at)).toString())
  return texts
}

/** As the engine prints it, but with all six digits behind the point. */
function timestampText(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19)
  return `${seconds.replace('T', ' ')}.${`${fraction}`.padStart(6, '0')}`
}

export const left = 'left to the engine'

interface Given {
  readonly nulls?: readonly string[]
  readonly delimiter?: string
  readonly quote?: string
  readonly newline?: 'lf' | 'crlf'
}

/** Returns the values of the first columns, of these kinds, with null where a row has none. */
export function parse(
  text: string | Uint8Array,
  kinds: readonly FieldKind[],
  given: Given = {},
): readonly (readonly (string | null)[])[] | string {
  const { nulls = [''], delimiter = ',', quote = '"', newline = 'lf' } = given
  const parser = new ColumnParser({
    dialect: dialectOf(csv({ delimiter, quote, nullValues: [] })),
    newline,
    nulls,
    fields: kinds,
  })
  const outcome = parser.parse(Buffer.from(text))
  if (outcome.kind !== 'parsed') return left
  return parser.columns.map(({ kind, chunk }) => {
    const values = printed[kind.kind](Buffer.from(chunk.values), kind.scale ?? 0).values()
    const { present } = chunk
    return Array.from({ length: chunk.rows }, (_, row) =>
      present?.[row] === 0 ? null : (values.next().value as string),
    )
  })
}

/** Returns what a field is in the middle of others, and checks that it is the same wherever it stands in a block of 64 bytes. */
export function fieldAs(field: string, kind: FieldKind, given: Given = {}): string | null {
  const [first, ...others] = Array.from({ length: 65 }, (_, before) => {
    const text = `${'x'.repeat(before)},${field},1234567890123456789\n`
    const parsed = parse(text, [{ kind: 'text' }, kind, { kind: 'text' }], given)
    return typeof parsed === 'string' ? parsed : (parsed[1]?.[0] as string | null)
  })
  expect(new Set(others)).toEqual(new Set([first]))
  return first as string | null
}
