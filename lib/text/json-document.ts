/** Cuts JSON documents into one record a line, by their brackets and strings. The records are passed on as they are written, and checked by who reads them. */
import { Buffer } from 'node:buffer'
import { type JsonStep, readJsonPath } from '../define/formats/json-path.ts'
import { PermanentError } from '../errors/errors.ts'
import type { ChunkFilter } from './chunk-filter.ts'

/**
 * Returns a filter that writes what a path selects, each in a line of its own; without a path, the items of an array, or else the whole
 * document. Several documents may follow one another.
 * @throws INPUT_INVALID with the line where a document is not well formed around the records, where it ends too early, and where it
 * lacks what the path names
 */
export function cutDocuments({ path }: { readonly path?: string | undefined }): ChunkFilter {
  return new DocumentCutter(path)
}

/** An array or object above the records. */
interface Level {
  readonly isArray: boolean
  /** Steps of the path that lead to it; -1 for one that no record is in. */
  readonly depth: number
  /** Steps of the path that lead to the next value. */
  next: number
}

type Mode = 'value' | 'firstItem' | 'firstKey' | 'key' | 'inKey' | 'colon' | 'after' | 'inside' | 'scalar'

const [quote, backslash, comma, colon, openArray, closeArray, openObject, closeObject] = Array.from('"\\,:[]{}', each =>
  each.charCodeAt(0),
)
const space = 32
/** Takes the place of a newline inside a string, where JSON has none, so that its record stays invalid. */
const badByte = 1

class DocumentCutter implements ChunkFilter {
  readonly gaps: number[] = []
  private readonly path: string | undefined
  private readonly given: readonly JsonStep[] | undefined
  private steps: readonly JsonStep[] = []
  private readonly levels: Level[] = []
  private mode: Mode = 'value'
  private key: number[] = []
  /** Inside a value: whether it is a record, its open brackets, and whether the byte is in a string, and after a backslash. */
  private isRecord = false
  private brackets = 0
  private inString = false
  private isEscaped = false
  private line = 1
  private wasReturn = false
  private documents = 0
  private isFound = false
  private lineOfNext = 1
  private written = 0
  private out = Buffer.alloc(0)
  private size = 0

  constructor(path: string | undefined) {
    this.path = path
    this.given = path === undefined ? undefined : readJsonPath(path)
  }

  push(chunk: Uint8Array, isLast: boolean): Uint8Array {
    if (this.out.length < chunk.length + 2) this.out = Buffer.allocUnsafeSlow(chunk.length + 1024)
    this.size = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (byte === 10 ? !this.wasReturn : byte === 13) this.line++
      this.wasReturn = byte === 13
      if (this.mode === 'inside') this.readInside(byte)
      else if (this.mode === 'scalar') this.readScalar(byte)
      else if (this.mode === 'inKey') this.readKey(byte)
      else if (!isSpace(byte) && !(this.documents === 0 && bomBytes.includes(byte))) this.readOutside(byte)
    }
    if (isLast) this.finish()
    this.written += this.size
    return this.out.subarray(0, this.size)
  }

  /** Reads a byte of the arrays and objects above the records. */
  private readOutside(byte: number): void {
    const level = this.levels.at(-1)
    const { mode } = this
    const isEnd = mode === 'after' || mode === 'firstItem' || mode === 'firstKey'
    if (isEnd && level && byte === (level.isArray ? closeArray : closeObject)) this.endLevel()
    else if (mode === 'value' || mode === 'firstItem') this.beginValue(byte)
    else if (mode === 'colon' && byte === colon) this.mode = 'value'
    else if ((mode === 'key' || mode === 'firstKey') && byte === quote) {
      this.key = []
      this.mode = 'inKey'
    } else if (mode === 'after' && byte === comma && level) this.mode = level.isArray ? 'value' : 'key'
    else throw this.fault(expectations[mode], JSON.stringify(String.fromCharCode(byte)))
  }

  private beginValue(byte: number): void {
    const level = this.levels.at(-1)
    if (!level) this.beginDocument(byte)
    const depth = level ? level.next : 0
    const step = depth < 0 ? undefined : this.steps[depth]
    const isArray = byte === openArray
    const leads = step !== undefined && (isArray ? step === '*' : byte === openObject && step !== '*')
    if (leads) this.beginLevel(depth, isArray)
    else this.beginInside(byte, depth === this.steps.length)
  }

  private beginLevel(depth: number, isArray: boolean): void {
    this.isFound ||= isArray && !this.steps.slice(0, depth).includes('*')
    this.levels.push({ isArray, depth, next: isArray ? depth + 1 : -1 })
    this.mode = isArray ? 'firstItem' : 'firstKey'
  }

  private beginDocument(byte: number): void {
    this.documents++
    this.isFound = false
    this.steps = this.given ?? (byte === openArray ? ['*'] : [])
    if (byte !== openArray && byte !== openObject)
      throw this.fault('an array or an object', JSON.stringify(String.fromCharCode(byte)))
  }

  private beginInside(byte: number, isRecord: boolean): void {
    this.isRecord = isRecord
    if (isRecord) this.beginRecord()
    this.isFound ||= isRecord
    this.brackets = 0
    this.inString = false
    this.mode = byte === openArray || byte === openObject || byte === quote ? 'inside' : 'scalar'
    if (this.mode === 'inside') this.readInside(byte)
    else if (isPartOfScalar(byte)) this.write(byte)
    else throw this.fault('a value', JSON.stringify(String.fromCharCode(byte)))
  }

  private beginRecord(): void {
    if (this.line !== this.lineOfNext) this.gaps.push(this.written + this.size, this.line - this.lineOfNext)
    this.lineOfNext = this.line + 1
  }

  private readInside(byte: number): void {
    const isNewline = byte === 10 || byte === 13
    this.write(isNewline ? (this.inString ? badByte : space) : byte)
    if (this.inString) {
      if (this.isEscaped) this.isEscaped = false
      else if (byte === backslash) this.isEscaped = true
      else if (byte === quote) this.inString = false
      else return
    } else if (byte === quote) this.inString = true
    else if (byte === openArray || byte === openObject) this.brackets++
    else if (byte === closeArray || byte === closeObject) this.brackets--
    else return
    if (this.brackets === 0 && !this.inString) this.endValue()
  }

  private readScalar(byte: number): void {
    if (isPartOfScalar(byte)) this.write(byte)
    else {
      this.endValue()
      if (!isSpace(byte)) this.readOutside(byte)
    }
  }

  private readKey(byte: number): void {
    const wasEscaped = this.isEscaped
    if (this.isEscaped) this.isEscaped = false
    else if (byte === backslash) this.isEscaped = true
    if (byte === quote && !wasEscaped) this.endKey()
    else this.key.push(byte)
  }

  private endKey(): void {
    const level = this.levels.at(-1) as Level
    const step = this.steps[level.depth]
    const written = Buffer.from(this.key).toString('utf8')
    const key = written.includes('\\') ? unescaped(written) : written
    level.next = typeof step === 'object' && step.key === key ? level.depth + 1 : -1
    this.mode = 'colon'
  }

  private endLevel(): void {
    this.levels.pop()
    this.endContainer()
  }

  private endValue(): void {
    if (this.isRecord) {
      this.isRecord = false
      this.put(10)
    }
    this.endContainer()
  }

  private endContainer(): void {
    this.mode = this.levels.length > 0 ? 'after' : 'value'
    if (this.levels.length === 0 && !this.isFound)
      throw this.fault(`a value at ${this.path}`, 'a document without it; correct path in json()')
  }

  private finish(): void {
    if (this.mode === 'scalar') this.endValue()
    if (this.mode !== 'value' || this.levels.length > 0)
      throw this.fault('the end of a JSON document', 'the end of the text; the file may be cut short')
  }

  private write(byte: number): void {
    if (this.isRecord) this.put(byte)
  }

  private put(byte: number): void {
    if (this.size === this.out.length) this.out = Buffer.concat([this.out, Buffer.alloc(this.size)])
    this.out[this.size++] = byte
  }

  private fault(expected: string, got: string): PermanentError {
    return new PermanentError('INPUT_INVALID', `line ${this.line}: expected ${expected}, got ${got}`, {
      line: this.line,
    })
  }
}

const expectations: Readonly<Record<Mode, string>> = {
  value: 'a value',
  firstItem: 'a value or ]',
  firstKey: 'a key or }',
  key: 'a key',
  inKey: 'a key',
  colon: 'a colon',
  after: 'a comma, or the end of the array or object',
  inside: 'a value',
  scalar: 'a value',
}

const isSpace = (byte: number): boolean => byte === space || (byte >= 9 && byte <= 13)

/** Whether a byte may stand in a number, or in true, false and null. */
const isPartOfScalar = (byte: number): boolean =>
  (byte >= 48 && byte <= 57) ||
  (byte >= 97 && byte <= 122) ||
  (byte >= 65 && byte <= 90) ||
  byte === 43 ||
  byte === 45 ||
  byte === 46

function unescaped(key: string): string {
  try {
    return String(JSON.parse(`"${key}"`))
  } catch {
    return key
  }
}

/** Bytes of the mark before the first document. */
const bomBytes: readonly number[] = [0xef, 0xbb, 0xbf]
