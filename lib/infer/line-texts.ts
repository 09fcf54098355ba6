/** Turns samples of any text into records in lines, from which columns are inferred. */

import type { WideEncoding } from '../define/definition.ts'
import { jsonLines } from '../define/format.ts'
import type { TextFormat } from '../define/format-kind.ts'
import { frozen } from '../define/freeze.ts'
import { json } from '../define/json-format.ts'
import { withPlace } from '../model/member-place.ts'
import { bomBytes, decodeText, utf16Of } from '../text/encoding.ts'
import { checkTextStart } from '../text/other-file.ts'
import { encodingOf } from '../text/record-dialect.ts'
import { type RecordArray, recordArrays } from './json-arrays.ts'
import { rewriteSample } from './rewrite-sample.ts'
import type { NamedKind } from './sample.ts'
import type { Sample } from './sample-bytes.ts'
import { textKind } from './text-kind.ts'
import { findXml } from './xml-records.ts'

/** Samples as lines, and the format of their texts. */
export interface LineTexts {
  readonly kind: 'csv' | 'jsonLines'
  readonly samples: readonly Sample[]
  /** Returns the format of the texts, given that of their lines. */
  formatOf(lines: TextFormat): TextFormat
  /** Remarks to read before the format is used. */
  readonly notes: readonly string[]
  /** Whether the lines are in UTF-8, because they were converted to it. Default false. */
  readonly isDecoded?: boolean
  /** Whether all values are texts, also those of numbers. Default false. */
  readonly isUntyped?: boolean
}

/** Finds the form of samples and rewrites them to lines. @throws INPUT_INVALID for files that are no text; INPUT_ENCODING */
export async function lineTexts(samples: readonly Sample[], named: NamedKind | undefined): Promise<LineTexts> {
  const encoding = wideEncoding(samples)
  if (named === 'xml' || (encoding === undefined && textKind(samples, named) === 'xml')) return xmlTexts(samples)
  if (encoding === undefined) return narrowTexts(samples, named)
  const decoded = await rewriteAll(samples, jsonLines({ encoding }))
  if (textKind(decoded, named) === 'xml') return xmlTexts(samples)
  const found = await narrowTexts(decoded, named)
  return { ...found, isDecoded: true, formatOf: lines => frozen({ ...found.formatOf(lines), encoding } as TextFormat) }
}

/** Returns the encoding of samples of which most are UTF-16. */
function wideEncoding(samples: readonly Sample[]): WideEncoding | undefined {
  const filled = samples.filter(({ bytes }) => bytes.length > 0)
  const wide = filled.filter(({ bytes }) => utf16Of(bytes) !== undefined)
  if (wide.length * 2 <= filled.length) return undefined
  return wide.some(({ bytes }) => utf16Of(bytes) === 'UTF-16BE' && bytes[0] !== 0xfe) ? 'utf-16be' : 'utf-16'
}

async function rewriteAll(samples: readonly Sample[], format: TextFormat): Promise<Sample[]> {
  const rewritten: Sample[] = []
  for (const sample of samples) rewritten.push(await rewriteSample(sample, format))
  return rewritten
}

async function narrowTexts(samples: readonly Sample[], named: NamedKind | undefined): Promise<LineTexts> {
  for (const sample of samples) checkStart(sample)
  const kind = textKind(samples, named)
  if (kind === 'json') return documentTexts(samples)
  return { kind: kind === 'jsonLines' ? kind : 'csv', samples, formatOf: lines => lines, notes: [] }
}

function checkStart({ name, bytes }: Sample): void {
  try {
    checkTextStart(bytes, name, 'utf-8')
  } catch (error) {
    throw withPlace(error, { archive: name, member: '' })
  }
}

/** Takes the largest array of a document for its records; a document without any is a record itself. */
async function documentTexts(samples: readonly Sample[]): Promise<LineTexts> {
  const [records, ...others] = arraysOf(samples)
  const format = json({ path: records?.path })
  const shown = others.flatMap(({ path }) => (path === undefined ? [] : [path])).slice(0, shownMax)
  const notes = [
    ...(records ? [] : ['no array of objects found: the whole document is one record']),
    ...(shown.length === 0
      ? []
      : [`unsure which array has the records: ${records?.path} has most; or ${shown.join(', ')}`]),
  ]
  const formatOf = (lines: TextFormat) => json({ path: records?.path, encoding: encodingOf(lines) })
  return { kind: 'jsonLines', samples: await rewriteAll(samples, format), formatOf, notes }
}

/** Arrays that a note names. */
const shownMax = 3

/** Returns the arrays of objects in all samples, the largest first. */
function arraysOf(samples: readonly Sample[]): readonly RecordArray[] {
  const all = samples.flatMap(({ bytes }) => recordArrays(decodeText(bytes.subarray(bomBytes(bytes)), 'utf-8')))
  const byPath = [...Map.groupBy(all, ({ path }) => path)]
  return byPath
    .map(([path, found]) => ({ path, items: found.reduce((sum, { items }) => sum + items, 0) }))
    .sort((a, b) => b.items - a.items)
}

async function xmlTexts(samples: readonly Sample[]): Promise<LineTexts> {
  const { format, notes } = await findXml(samples)
  const formatOf = () => format
  return { kind: 'jsonLines', samples: await rewriteAll(samples, format), formatOf, notes, isUntyped: true }
}
