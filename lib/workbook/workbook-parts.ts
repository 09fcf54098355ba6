/** The parts of a workbook, which is a zip archive: their names, their relationships and their bytes. */
import type { Buffer } from 'node:buffer'
import posix from 'node:path/posix'
import { zipLimits } from '../define/sources/source.ts'
import { PermanentError } from '../errors/errors.ts'
import { invalidInput } from '../errors/invalid-input.ts'
import { readAllXml, type XmlListener } from '../xml/xml-events.ts'
import { readZipDirectory } from '../zip/directory.ts'
import type { ZipEntry } from '../zip/entry-table.ts'
import { entryFault } from '../zip/limits.ts'
import { memberChunks } from '../zip/member-bytes.ts'

/** A relationship of a part to another one. */
export interface Relationship {
  /** The last word of its type, such as `worksheet`. */
  readonly kind: string
  readonly target: string
}

/** Bytes of the parts besides the sheet and the shared strings. */
const smallPartBytes = 16 * 1024 * 1024

const limits = { ...zipLimits, memberBytesMax: 16 * 2 ** 30, memberCountMax: 100_000 }

export class WorkbookParts {
  readonly #bytes: Buffer
  readonly #entries: ReadonlyMap<string, ZipEntry>

  private constructor(bytes: Buffer, entries: readonly ZipEntry[]) {
    this.#bytes = bytes
    this.#entries = new Map(entries.map(entry => [entry.name.toLowerCase(), entry]))
  }

  /** Reads the directory of a workbook. @throws INPUT_INVALID */
  static async open(bytes: Buffer): Promise<WorkbookParts> {
    const read = async ({ start, end }: { readonly start: number; readonly end: number }) => bytes.subarray(start, end)
    const { entries } = await readZipDirectory(read, bytes.length, { key, limits }).catch(refuseDamage)
    return new WorkbookParts(bytes, entries)
  }

  has(part: string): boolean {
    return this.#entries.has(part.toLowerCase())
  }

  /** Yields the bytes of a part, whose checksum is compared at its end. @throws INPUT_INVALID */
  async *stream(part: string): AsyncGenerator<Uint8Array> {
    const entry = this.#entries.get(part.toLowerCase())
    if (!entry) throw invalidInput(`the part ${part} in the workbook`, 'a zip archive without it', { part })
    try {
      const fault = entryFault(entry, limits, key)
      if (fault) throw fault
      const member = { ...entry, method: entry.method as 0 | 8 }
      yield* memberChunks(this.#bytes.subarray(entry.headerOffset), { archive: key, member }, { limits })
    } catch (error) {
      refuseDamage(error)
    }
  }

  /** Yields the bytes of a part of at most 16 MiB. @throws INPUT_INVALID */
  async *streamSmall(part: string): AsyncGenerator<Uint8Array> {
    let sizeBytes = 0
    for await (const chunk of this.stream(part)) {
      sizeBytes += chunk.length
      if (sizeBytes > smallPartBytes) throw invalidInput(`${part} of at most ${smallPartBytes} bytes`, 'more', { part })
      yield chunk
    }
  }

  /** Returns the relationships of a part by their ids; of the workbook as a whole without a part. */
  async relationships(part = ''): Promise<ReadonlyMap<string, Relationship>> {
    const folder = posix.dirname(part)
    const file = posix.join(folder, '_rels', `${posix.basename(part)}.rels`)
    const found = new Map<string, Relationship>()
    if (!this.has(file)) return found
    const open: XmlListener['open'] = (name, attribute) => {
      if (name !== 'Relationship' || attribute('TargetMode') === 'External') return
      const target = posix.join('/', folder, attribute('Target') ?? '')
      const isAbsolute = attribute('Target')?.startsWith('/')
      const path = isAbsolute ? posix.normalize(attribute('Target') ?? '') : target
      const kind = (attribute('Type') ?? '').split('/').at(-1) ?? ''
      found.set(attribute('Id') ?? '', { kind, target: path.replace(/^\/+/, '') })
    }
    await readAllXml(this.streamSmall(file), { open, close() {} }, file)
    return found
  }
}

const key = 'workbook'

/** Names the workbook where its archive is damaged. */
function refuseDamage(error: unknown): never {
  if (!(error instanceof PermanentError) || !error.code.startsWith('ZIP_')) throw error
  const message = `expected an Excel workbook (xlsx), got a zip archive that cannot be read: ${error.message}`
  throw new PermanentError('INPUT_INVALID', message, { reason: error.code }, { cause: error })
}
