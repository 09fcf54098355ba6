/** Turns samples of any text into records in lines, from which columns are inferred. */

import type { WideEncoding } from '../../define/definition.ts'
import { jsonLines } from '../../define/formats/format.ts'
import type { TextFormat } from '../../define/formats/format-kind.ts'
import { json } from '../../define/formats/json-format.ts'
import { frozen } from '../../define/freeze.ts'
import { hasCode } from '../../errors/expected.ts'
import { withPlace } from '../../model/member-place.ts'
import { decodeText, utf16Of, withoutBom } from '../../text/encoding.ts'
import { checkTextStart } from '../../text/other-file.ts'
import { encodingOf } from '../../text/records/dialect.ts'
import { literal } from '../columns-source.ts'
import { type RecordArray, recordArrays } from '../json-arrays.ts'
import { findXml } from '../xml-records.ts'
import type { Sample } from './bytes.ts'
import { rewriteSample } from './rewrite.ts'
import type { NamedKind } from './sample.ts'
import { type TextKind, textKind } from './text-kind.ts'

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
  if (named === 'xml') return xmlTexts(samples)
  if (encoding === undefined) return anyTexts(samples, samples, named)
  const decoded = await rewriteAll(samples, jsonLines({ encoding }))
  const found = await anyTexts(samples, decoded, named)
  if (found.isUntyped) return found
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

/** Takes texts that begin with a tag for CSV where they are not XML, unless they declare that they are. `decoded` is in UTF-8. */
async function anyTexts(
  samples: readonly Sample[],
  decoded: readonly Sample[],
  named: NamedKind | undefined,
): Promise<LineTexts> {
  const kind = textKind(decoded, named)
  if (kind !== 'xml') return narrowTexts(decoded, kind)
  try {
    return await xmlTexts(samples)
  } catch (error) {
    const isDeclared = decoded.some(({ bytes }) =>
      /^\ufeff?\s*<(\?xml|!--)/.test(decodeText(bytes.subarray(0, 100), 'utf-8')),
    )
    if (isDeclared || !hasCode(error, 'INPUT_INVALID')) throw error
    const note = `begins with a tag, but is not XML: ${error.message}`
    return { ...(await narrowTexts(decoded, 'csv')), notes: [note] }
  }
}

async function narrowTexts(samples: readonly Sample[], kind: Exclude<TextKind, 'xml'>): Promise<LineTexts> {
  for (const sample of samples) checkStart(sample)
  if (kind === 'json') return documentTexts(samples)
  return { kind, samples, formatOf: lines => lines, notes: [] }
}

function checkStart({ name, bytes }: Sample): void {
  try {
    checkTextStart(bytes, name, 'utf-8')
  } catch (error) {
    throw withPlace(error, { archive: name, member: '' })
  }
}

/** Takes the largest array of a document for its records; a document without any, or of several in a line each, is a record itself. */
async function documentTexts(samples: readonly Sample[]): Promise<LineTexts> {
  const [records, ...others] = arraysOf(samples)
  if (records && records.beside.length > 0 && isLineEach(samples)) {
    const note = `unsure: each document is a record; json({ path: ${literal(records.path ?? '')} }) reads the objects of ${records.path}, without ${listed(records.beside)}`
    return { kind: 'jsonLines', samples, formatOf: lines => lines, notes: [note] }
  }
  const format = json({ path: records?.path })
  const shown = others.flatMap(({ path }) => (path === undefined ? [] : [path])).slice(0, shownMax)
  const notes = [
    ...(records ? [] : ['no array of objects found: the whole document is one record']),
    ...(shown.length === 0
      ? []
      : [`unsure which array has the records: ${records?.path} has most; or ${shown.join(', ')}`]),
    ...(records && records.beside.length > 0
      ? [
          `unsure: records are ${records.path}, without ${listed(records.beside)}; json() reads each document as a record`,
        ]
      : []),
  ]
  const formatOf = (lines: TextFormat) => json({ path: records?.path, encoding: encodingOf(lines) })
  return { kind: 'jsonLines', samples: await rewriteAll(samples, format), formatOf, notes }
}

/** Paths that a note names. */
const shownMax = 3

function listed(paths: readonly string[]): string {
  const others = paths.length - shownMax
  return `${paths.slice(0, shownMax).join(', ')}${others > 0 ? ` and ${others} more` : ''}`
}

/** Whether there are several texts, each an object in one line: records more often than pages of them. */
function isLineEach(samples: readonly Sample[]): boolean {
  const texts = samples.map(({ bytes }) => decodeText(withoutBom(bytes), 'utf-8').trim()).filter(Boolean)
  const areWhole = samples.every(({ isWhole }) => isWhole)
  return areWhole && texts.length > 1 && texts.every(text => text.startsWith('{') && !text.includes('\n'))
}

/** Returns the arrays of objects in all samples, the largest first. */
function arraysOf(samples: readonly Sample[]): readonly RecordArray[] {
  const all = samples.flatMap(({ bytes }) => recordArrays(decodeText(withoutBom(bytes), 'utf-8')))
  const byPath = [...Map.groupBy(all, ({ path }) => path)]
  return byPath
    .map(([path, found]) => ({
      path,
      items: found.reduce((sum, { items }) => sum + items, 0),
      beside: [...new Set(found.flatMap(({ beside }) => beside))],
    }))
    .sort((a, b) => b.items - a.items)
}

async function xmlTexts(samples: readonly Sample[]): Promise<LineTexts> {
  const { format, notes } = await findXml(samples)
  const formatOf = () => format
  return { kind: 'jsonLines', samples: await rewriteAll(samples, format), formatOf, notes, isUntyped: true }
}
