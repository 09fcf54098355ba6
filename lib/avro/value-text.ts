/** Reads Avro values as texts of columns, and as JSON where they are in other values. */
import { invalidInput } from '../errors/invalid-input.ts'
import type { BlockBytes } from './block-bytes.ts'
import { logicalText } from './logical-text.ts'
import type { AvroType } from './schema.ts'

/** Reads the next value of a type. */
export interface ValueReader {
  /** Returns the text of a column; undefined for a null. */
  text(bytes: BlockBytes): string | undefined
  /** Returns the value as JSON. */
  json(bytes: BlockBytes): string
}

/** How deep values may be in one another: a schema may contain itself. */
const depthMax = 64
/** Characters of the longest value. */
const charactersMax = 32 * 1024 * 1024
/** Items of a list that may have no bytes, as nulls have none. */
const emptyItemsMax = 100_000

export const valueReader = (type: AvroType, depth = 0): ValueReader => {
  const logical = logicalText(type)
  if (logical) return scalar(logical)
  return readers[type.kind](type as never, depth)
}

type ReaderOf<K extends AvroType['kind']> = (type: Extract<AvroType, { kind: K }>, depth: number) => ValueReader

const scalar = (text: (bytes: BlockBytes) => string, json: (text: string) => string = JSON.stringify): ValueReader => ({
  text,
  json: bytes => json(text(bytes)),
})

const asIs = (text: string): string => text
/** Returns a number in JSON, in which readers take `-0` for an integer, and texts that are no numbers of JSON in quotes. */
const numberJson = (text: string): string => (text === '-0' ? '-0.0' : /[NI]/.test(text) ? JSON.stringify(text) : text)

const integer = scalar(bytes => String(bytes.long()), asIs)

const readers: { readonly [K in AvroType['kind']]: ReaderOf<K> } = {
  null: () => ({ text: () => undefined, json: () => 'null' }),
  boolean: () => scalar(booleanText, asIs),
  int: () => scalar(bytes => String(bytes.int()), asIs),
  long: () => integer,
  float: () => scalar(bytes => floatText(bytes.take(4).readFloatLE()), numberJson),
  double: () => scalar(bytes => numberText(bytes.take(8).readDoubleLE()), numberJson),
  bytes: () => scalar(bytes => bytes.take(bytes.size()).toString('base64')),
  fixed: ({ size }) => scalar(bytes => bytes.take(size).toString('base64')),
  string: () => scalar(stringText),
  enum: ({ symbols }) => scalar(bytes => symbolAt(symbols, bytes.size())),
  array: ({ items }, depth) => {
    const reader = deeper(items, depth)
    return nested(bytes => `[${readItems(bytes, () => reader().json(bytes))}]`)
  },
  map: ({ items }, depth) => {
    const reader = deeper(items, depth)
    const entry = (bytes: BlockBytes) => `${JSON.stringify(stringText(bytes))}:${reader().json(bytes)}`
    return nested(bytes => `{${readItems(bytes, () => entry(bytes))}}`)
  },
  record: ({ fields }, depth) => {
    const inner = fields.map(({ name, type }) => ({ name: JSON.stringify(name), reader: deeper(type, depth) }))
    return nested(bytes => `{${inner.map(({ name, reader }) => `${name}:${reader().json(bytes)}`).join(',')}}`)
  },
  union: ({ branches }, depth) => {
    const inner = branches.map(branch => deeper(branch, depth))
    const next = (bytes: BlockBytes): ValueReader => {
      const index = bytes.size()
      const reader = inner[index]
      if (reader) return reader()
      throw invalidInput(`one of ${branches.length} types of a union`, `the number ${index}; the file is damaged`)
    }
    return { text: bytes => next(bytes).text(bytes), json: bytes => next(bytes).json(bytes) }
  },
}

/** Returns a reader that is made when it is first used, because a type may contain itself. */
function deeper(type: AvroType, depth: number): () => ValueReader {
  let made: ValueReader | undefined
  return () => {
    if (depth >= depthMax) throw invalidInput(`values at most ${depthMax} deep in one another`, 'one more')
    made ??= valueReader(type, depth + 1)
    return made
  }
}

const nested = (json: (bytes: BlockBytes) => string): ValueReader => ({ text: json, json })

/** Reads the items of an array or a map, which come in blocks. */
function readItems(bytes: BlockBytes, readItem: () => string): string {
  const items: string[] = []
  let characters = 0
  for (let count = bytes.size(); count !== 0; count = bytes.size()) {
    // A negative count is followed by the number of bytes.
    if (count < 0) bytes.size()
    // Only nulls and empty records have no bytes.
    if (Math.abs(count) > Math.max(bytes.left, emptyItemsMax))
      throw invalidInput(
        `at most ${bytes.left} items, which is the number of bytes left`,
        `${Math.abs(count)}; the file is damaged`,
      )
    for (let index = 0; index < Math.abs(count); index++) {
      const item = readItem()
      characters += item.length + 1
      if (characters > charactersMax)
        throw invalidInput(`values of at most ${charactersMax} characters`, 'a longer one')
      items.push(item)
    }
  }
  return items.join(',')
}

function booleanText(bytes: BlockBytes): string {
  const byte = bytes.byte()
  if (byte > 1) throw invalidInput('a boolean, the byte 0 or 1', `${byte}; the file is damaged`)
  return byte === 0 ? 'false' : 'true'
}

function symbolAt(symbols: readonly string[], index: number): string {
  const symbol = symbols[index]
  if (symbol !== undefined) return symbol
  throw invalidInput(`one of ${symbols.length} symbols of an enum`, `the number ${index}; the file is damaged`)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function stringText(bytes: BlockBytes): string {
  const given = bytes.take(bytes.size())
  try {
    return decoder.decode(given)
  } catch {
    throw invalidInput('strings in UTF-8, as Avro has them', `the bytes ${given.subarray(0, 20).toString('hex')}`)
  }
}

/** Returns a number with the fewest digits that are this number. */
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

/** Returns a number of 32 bits with the fewest digits that are this number. */
function floatText(value: number): string {
  if (value === 0) return numberText(value)
  for (let digits = 6; digits < 9; digits++) {
    const text = numberText(Number(value.toPrecision(digits)))
    if (Math.fround(Number(text)) === value) return text
  }
  return numberText(Number.isFinite(value) ? Number(value.toPrecision(9)) : value)
}
