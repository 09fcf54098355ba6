/** Parses texts to columns while they are staged, as long as they are written plainly. The others are left to the engine's own reader. */
import { closeSync, openSync, readSync } from 'node:fs'
import type { MemberPlace } from '../model/member-place.ts'
import { isWorthwhile, type ParseOutcome } from '../text/columns/column-parser.ts'
import type { FieldKind } from '../text/columns/field-kind.ts'
import type { Dialect } from '../text/records/dialect.ts'
import type { RecordScan } from '../text/records/records.ts'
import { ParsedFile } from './parsed-file.ts'
import type { Parsing } from './parsing.ts'
import { openFilesMax, type StageFiles } from './stage-files.ts'
import type { PassedRecords, PassRecords } from './stage-passed.ts'
import { type StageableText, styleOf } from './stage-text.ts'
import type { StagedFile, StagedMember } from './staged-file.ts'

interface ParsedFilesOptions {
  readonly dialect: Dialect
  readonly files: Pick<StageFiles, 'newWriter'>
  /** Counts bytes of text that are added, and less than 0 when they are removed again. @throws DISK_FULL */
  count(bytes: number): void
}

/** The texts with one header and one kind of newline. */
interface TextGroup {
  readonly header: readonly string[]
  readonly newline: 'lf' | 'crlf'
  fields: readonly (FieldKind | undefined)[]
  file?: ParsedFile | undefined
  /** Set when a text could not be parsed: the texts behind it are left to the engine too, so that rows keep their order. */
  isOff?: boolean
  /** Bytes of texts that were parsed in vain. */
  vainBytes: number
}

const irregular = { kind: 'irregular' } as ParseOutcome
const castText: FieldKind = { kind: 'text', isCast: true }

type Named = Pick<StagedMember, 'index' | 'archive' | 'member'>

/** Bytes of a text that may be written before it ends. */
const longTextBytes = 4 * 1024 * 1024
const windowBytes = 1024 * 1024
/** Bytes of text that there must be for each file beyond the first ones: the engine reads small files of CSV faster than those of parsed rows. */
const fileBytesMin = 1024 * 1024
/** Limit on bytes that are parsed in vain. Beyond it, a text in which one more column turns out to be otherwise is left to the engine. */
const vainBytesMax = 4 * 1024 * 1024

export class ParsedFiles {
  readonly #parsing: Parsing
  readonly #options: ParsedFilesOptions
  readonly #groups = new Map<string, TextGroup>()
  readonly #files = new Set<ParsedFile>()
  readonly #open = new Set<ParsedFile>()
  #textBytes = 0

  constructor(parsing: Parsing, options: ParsedFilesOptions) {
    this.#parsing = parsing
    this.#options = options
  }

  /** Returns false where the text is left to the engine. */
  add({ columns, newline, unchanged, records, firstLine, firstRecord }: StageableText, named: Named): boolean {
    if (records === 0) return false
    const group = this.#groupOf(columns, newline)
    if (!unchanged) group.isOff = true
    if (!unchanged || group.isOff) return false
    const isLong = unchanged.length > longTextBytes
    const file = this.#parseInto(group, isLong, target => addText(unchanged, target), records)
    file?.end({ ...named, records, firstLine, firstRecord })
    return file !== undefined
  }

  /** As `Stage.addPassed`: returns undefined, with nothing staged, where the text is left to the engine. */
  async addPassed<T extends PassedRecords>(
    place: MemberPlace,
    pass: PassRecords<T>,
    nextIndex: () => number,
  ): Promise<T | undefined> {
    for (;;) {
      let begun: { readonly group: TextGroup; readonly file: ParsedFile; remove(): number } | undefined
      let outcome = irregular
      const passed = await pass((records, header) => {
        if (!begun) {
          // The first newline shows the style of all.
          const group = this.#groupOf(header, records[records.indexOf(10) - 1] === 13 ? 'crlf' : 'lf')
          if (group.isOff) return false
          const file = this.#fileOf(group)
          begun = { group, file, remove: file.begin(true) }
        }
        outcome = begun.file.add(records)
        return outcome.kind === 'parsed'
      })
      if (!begun) return undefined
      const { group, file, remove } = begun
      if (passed && outcome.kind === 'parsed' && isSame(passed.scan, file)) {
        const { scan, firstLine = 1 } = passed
        file.end({ index: nextIndex(), ...place, records: scan.records, firstLine, firstRecord: 1 })
        return passed
      }
      if (!this.#widen(group, outcome, remove())) return undefined
    }
  }

  /** Parses a file of staged text again. Returns false where it is left to the engine. Memory: a window. */
  addStaged(staged: StagedFile): boolean {
    if (staged.located || staged.isOpen || staged.setAside !== undefined || staged.bytes === 0) return false
    const group = this.#groupOf(staged.columns, staged.newline)
    if (group.isOff) return false
    const file = this.#parseInto(group, true, target => addWindows(staged, target), staged.records)
    for (const member of staged.members) file?.end(member)
    return file !== undefined
  }

  /** Closes the files until texts are added to them. */
  closeAll(): void {
    for (const file of this.#open) file.close()
    this.#open.clear()
  }

  finish(): StagedFile[] {
    this.#open.clear()
    return [...this.#files].map(file => file.finish())
  }

  discard(): void {
    for (const { writer } of this.#files) writer.remove()
  }

  #groupOf(header: readonly string[], newline: TextGroup['newline']): TextGroup {
    const key = JSON.stringify([header, newline])
    const group = this.#groups.get(key) ?? this.#newGroup(header, newline)
    this.#groups.set(key, group)
    return group
  }

  #newGroup(header: readonly string[], newline: TextGroup['newline']): TextGroup {
    const fields = this.#parsing.fieldsOf(header)
    const hasTooManyFiles = this.#files.size >= openFilesMax + this.#textBytes / fileBytesMin
    return { header, newline, fields, isOff: hasTooManyFiles || !isWorthwhile(fields), vainBytes: 0 }
  }

  /** Returns the file that the texts of a group are added to. */
  #fileOf(group: TextGroup): ParsedFile {
    const { files, dialect } = this.#options
    const count = (bytes: number): void => {
      this.#textBytes += bytes
      this.#options.count(bytes)
    }
    const { header, newline, fields } = group
    const plan = { dialect, newline, nulls: this.#parsing.nulls, fields }
    group.file ??= new ParsedFile({ ...plan, header, writer: files.newWriter(), count })
    this.#files.add(group.file)
    if (this.#open.size >= openFilesMax && !this.#open.has(group.file)) this.closeAll()
    this.#open.add(group.file)
    return group.file
  }

  /** Adds a text of so many records to the group's file. Returns undefined, with nothing added, where it is left to the engine. */
  #parseInto(
    group: TextGroup,
    isLong: boolean,
    parse: (file: ParsedFile) => ParseOutcome,
    records: number,
  ): ParsedFile | undefined {
    for (;;) {
      const file = this.#fileOf(group)
      const remove = file.begin(isLong)
      const outcome = parse(file)
      if (outcome.kind === 'parsed' && file.hasAdded(records)) return file
      if (!this.#widen(group, outcome, remove())) return undefined
    }
  }

  /** From now on, columns with misfits are wider or texts, in a file of their own. Returns false after another outcome: then nothing is parsed. */
  #widen(group: TextGroup, outcome: ParseOutcome, vainBytes: number): boolean {
    const { file } = group
    group.file = undefined
    if (file) this.#leave(file)
    if (outcome.kind !== 'misfits' || group.vainBytes > vainBytesMax) {
      group.isOff = true
      return false
    }
    group.vainBytes += vainBytes
    const misfits = new Set(outcome.positions)
    group.fields = group.fields.map((field, position) => (misfits.has(position) ? (field?.wider ?? castText) : field))
    group.isOff = !isWorthwhile(group.fields)
    return !group.isOff
  }

  /** Closes a file to which nothing will be added, and removes one without any text. */
  #leave(file: ParsedFile): void {
    this.#open.delete(file)
    if (file.members.length > 0) file.close()
    else {
      this.#files.delete(file)
      file.writer.remove()
    }
  }
}

/** Whether the records that were counted apart are those that were added. */
const isSame = (scan: RecordScan, file: ParsedFile): boolean =>
  file.hasAdded(scan.records) && styleOf(scan) === file.newline

/** Adds a text, of which a long one is written between its pieces. */
function addText(text: Uint8Array, file: ParsedFile): ParseOutcome {
  for (let at = 0; ; ) {
    const piece = text.subarray(at, at + longTextBytes)
    const isLast = at + piece.length === text.length
    const outcome = file.add(piece, isLast)
    if (outcome.kind !== 'parsed' || isLast) return outcome
    if (outcome.bytes === 0) return irregular
    at += outcome.bytes
  }
}

/** Adds a file in windows of whole records, from the first one: a mark for the engine may stand before it. */
function addWindows(staged: StagedFile, file: ParsedFile): ParseOutcome {
  const buffer = Buffer.allocUnsafeSlow(windowBytes)
  const handle = openSync(staged.file, 'r')
  let at = staged.members.find(({ records }) => records > 0)?.start ?? 0
  try {
    for (let held = 0; ; ) {
      const bytesRead = readSync(handle, buffer, held, windowBytes - held, at)
      at += bytesRead
      const window = buffer.subarray(0, held + bytesRead)
      const isLast = bytesRead === 0
      const outcome = file.add(window, isLast)
      if (outcome.kind !== 'parsed' || isLast) return outcome
      if (outcome.bytes === 0) return irregular
      held = window.length - outcome.bytes
      buffer.copyWithin(0, outcome.bytes, window.length)
    }
  } finally {
    closeSync(handle)
  }
}
