/** Finds the element of XML documents that is a record. */
import type { XmlFormat } from '../define/definition.ts'
import { xml } from '../define/formats/xml-format.ts'
import { PermanentError } from '../errors/errors.ts'
import { withPlace } from '../model/member-place.ts'
import { readXml, type XmlElement, type XmlListener } from '../xml/xml-events.ts'
import type { Sample } from './sample/bytes.ts'
import { beginningOf, endOfSample } from './sample/rewrite.ts'

export interface FoundXml {
  readonly format: XmlFormat
  readonly notes: readonly string[]
}

/**
 * Returns the outermost element that repeats and holds at least half of all elements. Elements that repeat within one of it are lists.
 * @throws INPUT_INVALID for what is not well formed
 */
export async function findXml(samples: readonly Sample[]): Promise<FoundXml> {
  const counter = new ElementCounter()
  for (const { name, bytes, isWhole } of samples) {
    if (bytes.length === 0) continue
    counter.beginDocument()
    try {
      for await (const _piece of readXml(beginningOf(bytes, isWhole), counter, 'the document'));
    } catch (error) {
      if (error !== endOfSample) throw withPlace(error, { archive: name, member: '' })
    }
  }
  return chooseRecord(counter)
}

interface ElementCount {
  readonly path: string
  readonly depth: number
  /** Elements of this path, and how many one document has at most. */
  count: number
  /** These elements and all within them. */
  covered: number
  hasFields: boolean
  /** Whether a document has several, and whether an element around them has. */
  repeats: boolean
  isList: boolean
}

/** Elements in one another, each with the names that its children have so far. */
interface OpenElement {
  readonly counted: ElementCount
  readonly names: Set<string>
}

class ElementCounter implements XmlListener {
  readonly found = new Map<string, ElementCount>()
  #open: OpenElement[] = []
  #seen = new Set<string>()

  beginDocument(): void {
    this.#open = []
    this.#seen = new Set()
  }

  open(name: string, _attribute: unknown, { attributes }: XmlElement): void {
    const outer = this.#open.at(-1)
    const path = outer ? `${outer.counted.path}/${name}` : name
    const counted = this.found.get(path) ?? { ...noElements, path, depth: this.#open.length }
    this.found.set(path, counted)
    counted.count++
    counted.repeats ||= this.#seen.has(path)
    counted.isList ||= outer?.names.has(name) === true
    counted.hasFields ||= [...attributes()].length > 0
    if (outer) outer.counted.hasFields = true
    outer?.names.add(name)
    this.#seen.add(path)
    this.#open.push({ counted, names: new Set() })
    for (const around of this.#open) around.counted.covered++
  }

  close(): void {
    this.#open.pop()
  }
}

const noElements = { count: 0, covered: 0, hasFields: false, repeats: false, isList: false }

/** Paths that a note names. */
const shownMax = 3

function chooseRecord({ found }: ElementCounter): FoundXml {
  const all = [...found.values()]
  const [root] = all
  if (!root) throw new PermanentError('NO_INPUT', 'expected XML documents with elements, got none')
  const repeated = all.filter(({ repeats, hasFields }) => repeats && hasFields).sort((a, b) => a.depth - b.depth)
  const most = repeated.toSorted((a, b) => b.covered - a.covered)[0]
  const record = repeated.find(({ covered }) => covered * 2 >= root.covered) ?? most ?? root
  const isWithin = ({ path }: ElementCount): boolean => path.startsWith(`${record.path}/`)
  const others = repeated.filter(each => each !== record && (each.isList || !isWithin(each)))
  const lists = all.filter(each => each.isList && isWithin(each))
  const shown = others
    .toSorted((a, b) => b.count - a.count)
    .slice(0, shownMax)
    .map(({ path }) => path)
  const format = xml({
    record: record.path,
    ...(lists.length > 0 && { lists: lists.map(({ path }) => path.slice(record.path.length + 1)) }),
  })
  const notes = [
    ...(repeated.length > 0 ? [] : ['no element with fields repeats: the whole document is one record']),
    ...(shown.length === 0 ? [] : [`unsure which element is a record: ${record.path}; or ${shown.join(', ')}`]),
  ]
  return { format, notes }
}
