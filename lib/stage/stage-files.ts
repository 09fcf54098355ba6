/** Creates the files of a stage, and chooses the one to which a text is appended. */
import { join } from 'node:path'
import { PlainColumns } from '../text/columns/plain-columns.ts'
import type { Dialect } from '../text/records/dialect.ts'
import { FileWriter } from './file-writer.ts'
import { closeFile, type OpenFile } from './open-file.ts'
import type { Parsing } from './parsing.ts'
import type { SpareFiles } from './spare-files.ts'
import type { StageableText } from './stage-text.ts'

/** Properties of a text that choose its file. */
export type TextLook = Pick<StageableText, 'columns' | 'newline' | 'isAlone'>

/** Limit on files that are open at once, with a buffer each: every member may have a header of its own. */
export const openFilesMax = 16
/** Size at which another located file is begun: the engine keeps as much of a located file in memory as it can. */
const locatedFileBytes = 24 * 1024 * 1024

export interface StageFilesOptions {
  /** An existing folder for the staged files; no other file in it may begin with `name`. */
  readonly folder: string
  /** Prefixes each record with the index of its member, its line and its number. */
  readonly located: boolean
  /** Writes one file per member, whatever their headers; default false. */
  readonly isByMember?: boolean
  /** Prefix of the file names; default `stage`. */
  readonly name?: string
  /** Files that texts are written over, and that take those of this stage when it is discarded; default none. */
  readonly spares?: SpareFiles | undefined
  /** Parses texts that are neither located nor staged by member. Default all are staged as they are. */
  readonly parsing?: Parsing | undefined
}

export class StageFiles {
  readonly all: OpenFile[] = []
  readonly #options: StageFilesOptions & { readonly dialect: Dialect }
  readonly #joinable = new Map<string, OpenFile>()
  readonly #open = new Set<OpenFile>()
  #created = 0

  constructor(options: StageFilesOptions & { readonly dialect: Dialect }) {
    this.#options = options
  }

  newWriter(): FileWriter {
    const { folder, name = 'stage', spares } = this.#options
    return new FileWriter(join(folder, `${name}-${this.#created++}.txt`), spares)
  }

  /** Returns the file that a text is appended to: that of the texts with the same header and newline style, where they may be joined. */
  openFor(text: TextLook): OpenFile {
    const file = this.#fileFor(text)
    if (this.#open.size >= openFilesMax && !this.#open.has(file)) this.closeAll()
    this.#open.add(file)
    return file
  }

  #fileFor({ columns, newline, isAlone }: TextLook): OpenFile {
    const { located, isByMember = false } = this.#options
    const key = JSON.stringify([columns, newline])
    const found = isAlone || isByMember ? undefined : this.#joinable.get(key)
    if (found && !(located && found.writer.bytes >= locatedFileBytes)) return found
    if (found) closeFile(found)
    const plain = this.#lookFor(columns, newline)
    const counts = { members: [], records: 0, longest: 0 }
    const file = { writer: this.newWriter(), columns, newline, isOpen: isAlone, plain, ...counts }
    this.all.push(file)
    if (!isAlone) this.#joinable.set(key, file)
    return file
  }

  #lookFor(header: readonly string[], newline: TextLook['newline']): PlainColumns | undefined {
    const { dialect, located, parsing } = this.#options
    if (located || !parsing?.looksAtTexts) return undefined
    return new PlainColumns({ dialect, newline, nulls: parsing.nulls, fields: parsing.fieldsOf(header) })
  }

  closeAll(): void {
    this.#open.forEach(closeFile)
    this.#open.clear()
  }

  discard(): void {
    for (const { writer, rejects } of this.all) {
      writer.remove()
      rejects?.remove()
    }
    this.#open.clear()
  }
}
