/** Writes an element and what is in it as the JSON of an object, of a text or of null. */
import { invalidInput } from '../errors/invalid-input.ts'

/** Characters of the longest record. */
const recordCharactersMax = 32 * 1024 * 1024
/** Characters that an element counts besides its name and its text, because it takes memory also without a text. */
const elementCharacters = 16

interface Open {
  /** Path from the record, such as `customer/address`. */
  readonly path: string
  /** Members of the object, written. */
  readonly members: string[]
  /** Items of the lists among its children, by name, written. */
  readonly lists: Map<string, string[]>
  text: string
}

export class ElementJson {
  readonly #lists: ReadonlySet<string>
  readonly #open: Open[] = []
  #characters = 0

  /** `lists` has the paths of the elements that are items of a list. */
  constructor(lists: readonly string[]) {
    this.#lists = new Set(lists)
  }

  get depth(): number {
    return this.#open.length
  }

  begin(name: string, attributes: Iterable<readonly [string, string]>): void {
    const outer = this.#open.at(-1)
    const path = this.#open.length < 2 ? name : `${outer?.path}/${name}`
    if (!outer) this.#characters = 0
    this.#count(name.length + elementCharacters)
    const members = Array.from(attributes, ([key, value]) =>
      this.#counted(`${JSON.stringify(`@${key}`)}:${JSON.stringify(value)}`),
    )
    this.#open.push({ path: outer ? path : '', members, lists: new Map(), text: '' })
  }

  add(text: string): void {
    const open = this.#open.at(-1)
    if (open) open.text += this.#counted(text)
  }

  /** Ends the innermost element. Returns the record where that was it. */
  end(name: string): string | undefined {
    const done = this.#open.pop() as Open
    const written = this.#open.length === 0 ? objectOf(done) : jsonOf(done)
    const outer = this.#open.at(-1)
    if (!outer) return written
    if (this.#lists.has(done.path)) {
      const items = outer.lists.get(name) ?? []
      if (items.push(written) === 1) outer.lists.set(name, items)
    } else outer.members.push(`${JSON.stringify(name)}:${written}`)
    return undefined
  }

  #counted(text: string): string {
    this.#count(text.length)
    return text
  }

  #count(characters: number): void {
    this.#characters += characters
    if (this.#characters <= recordCharactersMax) return
    const got = 'a longer one; choose an element within it as the record'
    throw invalidInput(`records of at most ${recordCharactersMax} characters`, got)
  }
}

function jsonOf(element: Open): string {
  if (element.members.length > 0 || element.lists.size > 0) return objectOf(element)
  const text = trimmed(element.text)
  return text === '' ? 'null' : JSON.stringify(text)
}

function objectOf({ members, lists, text }: Open): string {
  const own = trimmed(text)
  const all = [
    ...members,
    ...Array.from(lists, ([name, items]) => `${JSON.stringify(name)}:[${items.join(',')}]`),
    ...(own === '' ? [] : [`"#text":${JSON.stringify(own)}`]),
  ]
  return `{${all.join(',')}}`
}

/** Removes the white space of XML around a text: not by a pattern, whose time grows with the square of white space within it. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13 && code !== 11 && code !== 12)
