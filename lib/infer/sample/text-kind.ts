/** Finds how records stand in texts by how the texts begin. */
import { bomBytes, decodeText, withoutBom } from '../../text/encoding.ts'
import { recordArrays } from '../json-arrays.ts'
import type { NamedKind } from './sample.ts'

/** Records as rows of fields, one object a line, in JSON documents, or as XML elements. */
export type TextKind = 'csv' | 'jsonLines' | 'json' | 'xml'

/** The beginning of a text, in UTF-8. */
interface TextStart {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Returns the kind that most texts have. `named` is the kind that their names show. */
export function textKind(texts: readonly TextStart[], named: NamedKind | undefined): TextKind {
  const kinds = texts.filter(({ bytes }) => bytes.length > bomBytes(bytes)).map(text => kindOfText(text, named))
  const groups = [...Map.groupBy(kinds, kind => kind).values()].sort((a, b) => b.length - a.length)
  return groups[0]?.[0] ?? (named === 'json' ? 'jsonLines' : 'csv')
}

/** Whether a text is a document that may have no ends of lines. */
export const isDocument = (text: TextStart, named: NamedKind | undefined): boolean =>
  ['json', 'xml'].includes(kindOfText(text, named))

function kindOfText({ name, bytes }: TextStart, named: NamedKind | undefined): TextKind {
  if (named === 'csv' || named === 'xml') return named
  const text = decodeText(withoutBom(bytes), 'utf-8').trimStart()
  if (named === undefined && beginsXml.test(text)) return 'xml'
  const isJson = named === 'json' || beginsJson.test(text)
  if (!isJson) return 'csv'
  return text.startsWith('[') || (text.startsWith('{') && isOneDocument(name, text)) ? 'json' : 'jsonLines'
}

const beginsXml = /^<(\?xml\s|!--|[\p{L}_][\p{L}\p{N}_:.-]*[\s/>])/u
/** A log may begin with a bracket, but not with one before an object. */
const beginsJson = /^(\[\s*[{\]]|\{\s*["}])/

/** Whether a text that begins with an object is a document: an object over several lines, or one with an array of records. */
function isOneDocument(name: string, text: string): boolean {
  const end = text.indexOf('\n')
  const line = end === -1 ? text : text.slice(0, end)
  if (end !== -1 && text.slice(end).trim() !== '')
    return line.length < firstLineMax && !isJson(line) && !/\}\s*$/.test(line)
  return !/\.(jsonl|ndjson)\b/i.test(name) && recordArrays(text).length > 0
}

/** The first line of an object over several lines is short. */
const firstLineMax = 32_768

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
