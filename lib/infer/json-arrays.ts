/** Finds the arrays of records in the beginning of a JSON document. */

/** An array of objects in a document. */
export interface RecordArray {
  /** Undefined for the document itself. */
  readonly path: string | undefined
  /** Objects of the array in the sample. */
  readonly items: number
  /** The paths of what is beside the array, or beside what it is in, and holds no such array. */
  readonly beside: readonly string[]
}

/** Returns the arrays of objects that keys lead to, in the order of the document, of which the end may be missing. */
export const recordArrays = (text: string): readonly RecordArray[] => arraysIn(firstDocument(text), '$')

function arraysIn(value: unknown, path: string): readonly RecordArray[] {
  if (Array.isArray(value)) {
    const items = value.filter(item => typeof item === 'object' && item !== null && !Array.isArray(item)).length
    return items === 0 ? [] : [{ path: path === '$' ? undefined : `${path}[*]`, items, beside: [] }]
  }
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.entries(value).map(([key, each]) => {
    const at = `${path}${stepText(key)}`
    return { at, arrays: arraysIn(each, at) }
  })
  const others = inner.filter(({ arrays }) => arrays.length === 0).map(({ at }) => at)
  return inner.flatMap(({ arrays }) => arrays.map(each => ({ ...each, beside: [...others, ...each.beside] })))
}

const stepText = (key: string): string =>
  /^[\p{L}\p{N}_$@-]+$/u.test(key) ? `.${key}` : `['${key.replaceAll(/[\\']/g, '\\$&')}']`

/** A string, also one that the end of the text cuts, or a character of the structure. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*(?:"|$)|[[\]{},]/gs

const closers: Readonly<Record<string, string>> = { '[': ']', '{': '}' }

/** Returns the first document; one that is cut has what is whole of it. Undefined where that is no JSON. */
function firstDocument(text: string): unknown {
  const open: string[] = []
  let whole = { end: 0, open: '' }
  for (const { 0: token, index } of text.matchAll(tokens)) {
    const isEnd = token === ']' || token === '}'
    if (token in closers) open.unshift(closers[token] as string)
    else if (isEnd) open.shift()
    if (isEnd || token === ',') whole = { end: isEnd ? index + 1 : index, open: open.join('') }
    if (isEnd && open.length === 0) break
  }
  try {
    return JSON.parse(text.slice(0, whole.end) + whole.open)
  } catch {
    return undefined
  }
}
