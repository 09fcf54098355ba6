/** Builds the format of lines whose columns have fixed places. */
import * as v from 'valibot'
import { record } from '../../errors/record-schema.ts'
import { check, invalid, options } from '../check.ts'
import type { FieldRange, FixedWidthFormat } from '../definition.ts'
import { type Refined, refinable } from '../freeze.ts'
import { count, filledText, oneOf } from '../schemas.ts'
import { anyEncoding, declaredEncoding, type EncodingOptions } from './encoding-options.ts'

/** The options of `fixedWidth`. */
export interface FixedWidthOptions
  extends EncodingOptions,
    Partial<Pick<FixedWidthFormat, 'skip' | 'footer' | 'shortRows'>> {
  /**
   * The place of each column: its width in characters, right after the column before, or its first and last character, counted from 1.
   * White space around a field is removed; a blank field is null. Required.
   * @example fixedWidth({ columns: { station: 11, latitude: { from: 13, to: 20 } } })
   */
  readonly columns: Readonly<Record<string, number | FieldRange>>
}

export type FixedWidth = Refined<FixedWidthFormat, FixedWidthOptions>

/**
 * Lines whose columns have fixed places, without delimiters.
 * @example files({ paths: '*.txt', format: fixedWidth({ columns: { station: 11, latitude: { from: 13, to: 20 } } }) })
 */
export function fixedWidth(given: FixedWidthOptions): FixedWidth {
  const {
    columns,
    skip = 0,
    footer = 0,
    shortRows = 'reject',
    encoding,
  } = check('fixedWidth', fixedWidthOptions, given)
  const ranges = rangesOf(columns as FixedWidthOptions['columns'])
  return refinable(
    { kind: 'fixedWidth', columns: ranges, skip, footer, shortRows, ...declaredEncoding(encoding) },
    given,
    fixedWidth,
  )
}

function rangesOf(columns: FixedWidthOptions['columns']): FixedWidthFormat['columns'] {
  let end = 0
  const ranges: Record<string, FieldRange> = {}
  for (const [name, place] of Object.entries(columns)) {
    const range = typeof place === 'number' ? { from: end + 1, to: end + place } : { from: place.from, to: place.to }
    if (range.to < range.from)
      throw invalid(
        `fixedWidth: columns.${name}`,
        `expected an end after the beginning, got ${range.from} to ${range.to}`,
      )
    const over = Object.entries(ranges).find(([, other]) => range.from <= other.to && other.from <= range.to)
    if (over)
      throw invalid(
        `fixedWidth: columns.${name}`,
        `expected characters that no other column has, got ${range.from} to ${range.to}, as ${over[0]} has ${over[1].from} to ${over[1].to}`,
      )
    ranges[name] = range
    end = range.to
  }
  return ranges
}

const placeText = 'a width such as 10, or { from: 1, to: 10 }'
const fixedWidthOptions = options({
  columns: v.pipe(
    record(filledText, v.union([count(1), options({ from: count(1), to: count(1) })], placeText), 'places by column'),
    v.check(all => Object.keys(all).length > 0, 'at least one column'),
  ),
  skip: v.optional(count(0)),
  footer: v.optional(count(0)),
  shortRows: v.optional(oneOf(['reject', 'null'])),
  encoding: anyEncoding,
})
