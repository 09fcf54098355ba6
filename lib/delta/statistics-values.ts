/** Writes the bounds in the footer of a Parquet file as the log of a table has them. */
import { type Bound, boundKind, dateText, decimalText, splitTimestamp, utf8Text } from '../parquet/bounds.ts'
import type { SchemaElement } from '../parquet/footer.ts'

/** Compares two bounds of one column. */
export function compareBounds(a: Bound, b: Bound): number {
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return Buffer.compare(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Characters of a text in statistics, as in those of other writers. */
const textLengthMax = 32
const highestCharacter = '\u{10ffff}'

/** Returns the lowest value as JSON, or a value below it; undefined where there is none in JSON. */
export function lowestText(element: SchemaElement, bound: Bound): string | undefined {
  if (!Buffer.isBuffer(bound)) return numberText(element, bound, 'down')
  const text = textOf(bound, 'down')
  return text === undefined ? undefined : JSON.stringify(Array.from(text).slice(0, textLengthMax).join(''))
}

/** Returns the highest value as JSON, or a value above it; undefined where there is none in JSON. */
export function highestText(element: SchemaElement, bound: Bound): string | undefined {
  if (!Buffer.isBuffer(bound)) return numberText(element, bound, 'up')
  const text = textOf(bound, 'up')
  if (text === undefined) return undefined
  const characters = Array.from(text)
  if (characters.length <= textLengthMax) return JSON.stringify(text)
  if (characters[textLengthMax] === highestCharacter) return undefined
  return JSON.stringify(characters.slice(0, textLengthMax).join('') + highestCharacter)
}

/** A writer may have cut a text within a character: what is left of it is below the value, and cannot be used above it. */
function textOf(bytes: Buffer, round: 'down' | 'up'): string | undefined {
  for (let end = bytes.length; end >= Math.max(0, bytes.length - 3); end--) {
    const text = utf8Text(bytes.subarray(0, end))
    if (text !== undefined || round === 'up') return text
  }
  return undefined
}

function numberText(element: SchemaElement, bound: bigint | number, round: 'down' | 'up'): string | undefined {
  if (typeof bound === 'number') return JSON.stringify(bound)
  const kind = boundKind(element)
  if (kind === 'boolean') return String(bound === 1n)
  if (kind === 'decimal') return decimalText(bound, element.logical?.scale ?? element.scale ?? 0)
  if (kind === 'date') return quoted(dateText(Number(bound) * 86_400_000)?.slice(0, 10))
  if (kind === 'timestamp') return quoted(timestampText(element, bound, round))
  return bound.toString()
}

const quoted = (text: string | undefined): string | undefined => text && JSON.stringify(text)

/** Rounds to milliseconds, which every reader of statistics knows: the lower bound down, the upper one up. */
function timestampText(element: SchemaElement, value: bigint, round: 'down' | 'up'): string | undefined {
  const { milliseconds, rest } = splitTimestamp(element, value)
  const text = dateText(Number(milliseconds + (round === 'up' && rest > 0n ? 1n : 0n)))
  const { logical } = element
  const isUtc = logical ? logical.isUtc === true : true
  return isUtc ? text : text?.slice(0, -1)
}
