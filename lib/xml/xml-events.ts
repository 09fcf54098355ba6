/** Reads XML as a stream of elements and texts, in bounded memory. */
/// <reference path="./saxen.d.ts" />
import { Parser } from 'saxen'
import { PermanentError } from '../errors/errors.ts'
import { invalidInput } from '../errors/invalid-input.ts'
import { LineCounter } from './line-counter.ts'
import { checkControls, decodeCharacters } from './xml-characters.ts'
import { XmlPieces } from './xml-pieces.ts'

/** Takes the elements of a document, by their names without a prefix. */
export interface XmlListener {
  open(name: string, attribute: (name: string) => string | undefined, element: XmlElement): void
  close(name: string): void
  /** A text may come in several pieces. */
  text?(text: string): void
}

/** Facts about an element that are known where it begins. */
export interface XmlElement {
  /** The line in which it begins, from 1, where lines are counted. */
  readonly line: number
  /** Returns all attributes by their names without a prefix, except those that declare namespaces. */
  attributes(): Iterable<readonly [name: string, value: string]>
}

/** Bytes that are parsed in one go. One row may make many times as much text of them. */
const pieceBytes = 16 * 1024
/** A text or element that is longer has no end. */
const pendingMax = 1024 * 1024
const depthMax = 64

/**
 * Reads a document and yields after each piece of it. Memory: a piece, and the longest text or element.
 * @throws INPUT_INVALID for what is not well formed, for declarations of a document type, and for texts and elements over 1 MiB
 */
export async function* readXml(
  source: AsyncIterable<Uint8Array>,
  listener: XmlListener,
  part: string,
): AsyncGenerator<void> {
  const reader = new XmlReader(listener, part)
  let decoder: InstanceType<typeof TextDecoder> | undefined
  try {
    for await (const chunk of withWholeDeclaration(source)) {
      decoder ??= decoderOf(chunk, part)
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        reader.write(decoder.decode(chunk.subarray(at, at + pieceBytes), { stream: true }))
        yield
      }
    }
    reader.end(decoder?.decode() ?? '')
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const encoding = decoder?.encoding.toUpperCase() ?? 'UTF-8'
    throw invalidInput(`${part} in ${encoding}, as it declares or by default`, 'other bytes', { part })
  }
}

/** Reads a short document as a whole. */
export async function readAllXml(
  source: AsyncIterable<Uint8Array>,
  listener: XmlListener,
  part: string,
): Promise<void> {
  for await (const _piece of readXml(source, listener, part));
}

/** Returns a decoder for the encoding that the mark or the declaration at the beginning names; without both for UTF-8. */
function decoderOf(chunk: Uint8Array, part: string): InstanceType<typeof TextDecoder> {
  const [first, second] = chunk
  const marked =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : undefined
  const top = String.fromCharCode(...chunk.subarray(0, declarationBytes))
  const [, declared = 'utf-8'] = /^[^<]{0,3}<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(top) ?? []
  try {
    return new TextDecoder(marked ?? declared, { fatal: true })
  } catch {
    throw invalidInput(`${part} in an encoding of the web such as UTF-8`, `the declared encoding ${declared}`, { part })
  }
}

const declarationBytes = 200

/** Joins the first chunks, so that none ends within the declaration. */
async function* withWholeDeclaration(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first: Uint8Array | undefined = new Uint8Array()
  for await (const chunk of source) {
    const joined: Uint8Array = first ? Buffer.concat([first, chunk]) : chunk
    first = first && joined.length < declarationBytes ? joined : undefined
    if (!first) yield joined
  }
  if (first) yield first
}

class XmlReader {
  readonly #parser = new Parser()
  readonly #part: string
  #depth = 0
  #elements = 0
  #pending = 0
  #isEnding = false
  readonly #pieces = new XmlPieces()
  readonly #lines = new LineCounter()

  constructor(listener: XmlListener, part: string) {
    this.#part = part
    const text = (written: string, given: string): void => {
      this.#pending = 0
      if (this.#depth === 0 && /[^ \t\n\r]/.test(given)) throw this.#fault('text outside of the outermost element')
      listener.text?.(given)
      this.#lines.pass(written)
    }
    this.#parser
      .on('openTag', (name, attributes, _decode, _isEmpty, context) => {
        this.#passOutside(context)
        this.#open(name, attributes, listener)
        this.#lines.passTag(context)
      })
      .on('closeTag', (name, _decode, isEmpty, context) => {
        this.#depth--
        listener.close(localName(name))
        if (!isEmpty) this.#lines.passTag(context)
      })
      .on('text', given => text(given, this.#decode(given)))
      .on('cdata', given => {
        checkControls(given, this.#fault)
        text(given, given)
      })
      .on('comment', given => this.#lines.pass(given))
      .on('question', given => this.#lines.pass(given))
      .on('attention', (_given, _decode, context) => {
        this.#passOutside(context)
        throw this.#fault('a declaration of a document type')
      })
      .on('error', (error, context) => {
        this.#passOutside(context)
        throw error instanceof PermanentError ? error : this.#fault(error.message)
      })
      .on('warn', (error, context) => {
        if (error.message.startsWith('non-whitespace outside')) this.#lines.passTextOutside(context(), this.#isEnding)
        else this.#passOutside(context)
        throw this.#fault(error.message)
      })
  }

  write(xml: string): void {
    this.#parse(this.#pieces.add(xml))
    if (this.#pieces.heldCharacters > pendingMax) throw this.#tooLong()
  }

  #parse(xml: string): void {
    if (xml === '') return
    this.#pending += xml.length
    this.#lines.begin(xml)
    this.#parser.write(xml)
    if (this.#pending > pendingMax) throw this.#tooLong()
  }

  end(rest: string): void {
    this.write(rest)
    this.#parse(this.#pieces.rest())
    this.#lines.begin('')
    this.#isEnding = true
    this.#parser.end()
    if (this.#elements === 0 || this.#depth > 0) throw this.#fault('an end of the document that comes too early')
  }

  #passOutside(context: () => { readonly line: number }): void {
    if (this.#depth === 0) this.#lines.passOutside(context)
  }

  #open(name: string, attributes: () => Readonly<Record<string, string>> | false, listener: XmlListener): void {
    this.#pending = 0
    if (this.#depth === 0 && this.#elements > 0) throw this.#fault('a second outermost element')
    this.#elements++
    if (++this.#depth > depthMax) throw this.#fault(`more than ${depthMax} elements in one another`)
    let found: Readonly<Record<string, string>> | undefined
    const all = (): Readonly<Record<string, string>> => {
      const read = found ?? attributes()
      if (read === false) throw this.#fault(`attributes of ${name} that are not well formed`)
      found = read
      return read
    }
    const attribute = (wanted: string): string | undefined => {
      const value = all()[wanted] ?? prefixed(all(), wanted)
      return value === undefined ? undefined : this.#decode(value)
    }
    listener.open(localName(name), attribute, {
      line: this.#lines.line,
      attributes: () =>
        Object.entries(all())
          .filter(([key]) => !/^xmlns(:|$)/.test(key))
          .map(([key, value]) => [localName(key), this.#decode(value)] as const),
    })
  }

  #decode(text: string): string {
    return decodeCharacters(text, this.#fault)
  }

  #tooLong(): PermanentError {
    return this.#fault(`an element or a text of more than ${pendingMax} characters`)
  }

  /** Returns the error of what is found after a text that is not passed yet. */
  readonly #fault = (got: string, before = ''): PermanentError => {
    this.#lines.pass(before)
    const { line } = this.#lines
    return invalidInput(`${this.#part} to be well formed`, `${got} in line ${line}`, { part: this.#part, line })
  }
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Returns an attribute that has a prefix, such as `r:id`. */
function prefixed(attributes: Readonly<Record<string, string>>, wanted: string): string | undefined {
  const key = Object.keys(attributes).find(name => name.endsWith(`:${wanted}`))
  return key === undefined ? undefined : attributes[key]
}
