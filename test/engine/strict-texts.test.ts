import { describe, expect, it } from 'vitest'
import { column } from '../../lib/define/index.ts'
import { formatCases } from './format-cases.ts'
import { type Read, readTexts } from './reading.ts'
import { cases } from './text-cases.ts'
import { writingCases } from './writing-cases.ts'

describe.each([...cases, ...formatCases, ...writingCases])(
  'a column of $name',
  ({ column: type, strict = true, accepts, refuses = [], expected }) => {
    it('reads what fits exactly and rejects the rest, fast and carefully alike', async () => {
      const texts = [...Object.keys(accepts), ...refuses]
      const reads = await readTexts(type, texts, { strict })
      const values = Object.fromEntries(texts.map((text, index) => [text, withoutAdvice(reads[index] as Read)]))
      const rejected = Object.fromEntries(refuses.map(text => [text, { expected, received: receivedOf(text) }]))
      expect(values).toEqual({
        ...Object.fromEntries(Object.entries(accepts).map(([text, value]) => [text, { value }])),
        ...rejected,
      })
    })
  },
)

/** A reject of a text in another common way of writing also says which option to set. */
const withoutAdvice = (read: Read): Read =>
  'expected' in read ? { ...read, expected: read.expected.split('; ')[0] ?? '' } : read

/** The text that a reject shows of a field: its own without the quotes, `null` for none. */
function receivedOf(text: string): string {
  if (text === '') return 'null'
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text
}

it('reads a text without zone as UTC, whatever zone a text before it names', async () => {
  const reads = await readTexts(column.timestamptz(), ['2001-02-03 04:05:06 Asia/Tokyo', '2001-02-03 04:05:06'], {
    strict: false,
  })
  expect(reads[1]).toEqual({ value: '2001-02-03 04:05:06+00' })
})
