/** Reads XML as a stream of elements and texts, in bounded memory. */
/// <reference path="./saxen.d.ts" />
import { Parser } from 'saxen'
import { PermanentError } from '../errors/errors.ts'
import { workbookFault } from './workbook-fault.ts'

/** Takes the elements of a document, by their names without a prefix. */
export interface XmlListener {
  open(name: string, attribute: (name: string) => string | undefined): void
  close(name: string): void
  /** A text may come in several pieces. */
  text?(text: string): void
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
    for await (const chunk of source) {
      decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true })
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        reader.write(decoder.decode(chunk.subarray(at, at + pieceBytes), { stream: true }))
        yield
      }
    }
    reader.end(decoder?.decode() ?? '')
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw workbookFault(`${part} in UTF-8 or UTF-16`, 'other bytes', { part })
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

const encodingOf = ([first, second]: Uint8Array): string => {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
}

class XmlReader {
  readonly #parser = new Parser()
  readonly #part: string
  #depth = 0
  #elements = 0
  #pending = 0

  constructor(listener: XmlListener, part: string) {
    this.#part = part
    const text = (given: string): void => {
      this.#pending = 0
      listener.text?.(given)
    }
    this.#parser
      .on('openTag', (name, attributes) => this.#open(name, attributes, listener))
      .on('closeTag', name => {
        this.#depth--
        listener.close(localName(name))
      })
      .on('text', given => text(given.includes('&') ? this.#decode(given) : given))
      .on('cdata', text)
      .on('attention', () => {
        throw this.#fault('a declaration of a document type')
      })
      .on('error', error => {
        throw error instanceof PermanentError ? error : this.#fault(error.message)
      })
      .on('warn', error => {
        throw this.#fault(error.message)
      })
  }

  write(xml: string): void {
    if (xml === '') return
    this.#pending += xml.length
    this.#parser.write(xml)
    if (this.#pending > pendingMax) throw this.#fault(`an element or a text of more than ${pendingMax} characters`)
  }

  end(rest: string): void {
    this.write(rest)
    this.#parser.end()
    if (this.#elements === 0 || this.#depth > 0) throw this.#fault('an end of the document that comes too early')
  }

  #open(name: string, attributes: () => Readonly<Record<string, string>> | false, listener: XmlListener): void {
    this.#pending = 0
    this.#elements++
    if (++this.#depth > depthMax) throw this.#fault(`more than ${depthMax} elements in one another`)
    let found: Readonly<Record<string, string>> | false | undefined
    listener.open(localName(name), wanted => {
      found ??= attributes()
      if (found === false) throw this.#fault(`attributes of ${name} that are not well formed`)
      const value = found[wanted] ?? prefixed(found, wanted)
      return value?.includes('&') ? this.#decode(value) : value
    })
  }

  #decode(text: string): string {
    return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));?/gi, (found, decimal, hex, name) => {
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      const character = name === undefined && code <= 0x10ffff ? String.fromCodePoint(code) : entities.get(name)
      if (character === undefined || !found.endsWith(';')) throw this.#fault(`the unknown entity ${found.slice(0, 20)}`)
      return character
    })
  }

  #fault(got: string): PermanentError {
    return workbookFault(`${this.#part} to be well formed`, got, { part: this.#part })
  }
}

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Returns an attribute that has a prefix, such as `r:id`. */
function prefixed(attributes: Readonly<Record<string, string>>, wanted: string): string | undefined {
  const key = Object.keys(attributes).find(name => name.endsWith(`:${wanted}`))
  return key === undefined ? undefined : attributes[key]
}
