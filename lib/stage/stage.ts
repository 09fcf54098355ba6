/** Stages text for the engine: joins members of the same header and newline style into few files, and counts every record. */
import { join } from 'node:path'
import type { TextFormat } from '../define/formats/format-kind.ts'
import { CapacityError } from '../errors/errors.ts'
import type { MemberPlace } from '../model/member-place.ts'
import { dialectOf, encodingOf } from '../text/records/dialect.ts'
import { type FieldForm, PlainFields } from '../text/records/plain-fields.ts'
import { FileWriter } from './file-writer.ts'
import { appendText, closeFile, type OpenFile, stagedFile } from './open-file.ts'
import type { SpareFiles } from './spare-files.ts'
import { type PassedRecords, type PassRecords, stagePassed } from './stage-passed.ts'
import { type Origin, prepareText, type StageableText } from './stage-text.ts'
import type { StagedFile } from './staged-file.ts'

export interface StageOptions {
  /** An existing folder for the staged files; no other file in it may begin with `name`. */
  readonly folder: string
  readonly format: TextFormat
  /** Prefixes each record with the index of its member, its line and its number. */
  readonly located: boolean
  /** Limit on the bytes of all staged files together. */
  readonly stageBytesMax: number
  /** Writes one file per member, whatever their headers; default false. */
  readonly isByMember?: boolean
  /** Names of the fields where there is no header; default none, for any number. */
  readonly columnNames?: readonly string[]
  /** Prefix of the file names; default `stage`. */
  readonly name?: string
  /** Files that texts are written over, and that take those of this stage when it is discarded; default none. */
  readonly spares?: SpareFiles | undefined
  /** Returns for each column of a header the form in which its fields are plain, to learn which columns are; default none is learned. */
  readonly plainForms?: ((columns: readonly string[]) => readonly (FieldForm | undefined)[]) | undefined
}

export interface Stage {
  /**
   * Stages the text of a member, or a piece of it. The caller may reuse the bytes afterwards.
   * @throws INPUT_ENCODING for UTF-16; INPUT_INVALID for a header with equal names; DISK_FULL
   */
  add(bytes: Uint8Array, origin: Origin): void
  /**
   * Stages the records that `pass` passes on, and returns what it returns. Returns undefined, with nothing staged, where the text must be
   * given to `add`, which may rewrite it. @throws what `pass` throws; DISK_FULL
   */
  addPassed: <T extends PassedRecords>(place: MemberPlace, pass: PassRecords<T>) => Promise<T | undefined>
  /** Bytes staged so far. */
  readonly bytes: number
  /** Closes and returns the files. A file without records has no bytes, but names its members. */
  finish(): StagedFile[]
  /** Closes and removes the files; may be called after `finish`. */
  discard(): void
}

/** Limit on files that are open at once, with a buffer each: every member may have a header of its own. */
const openFilesMax = 16
/** Size at which another located file is begun: the engine keeps as much of a located file in memory as it can. */
const locatedFileBytes = 24 * 1024 * 1024

/** Opens a stage without files. Writes synchronously. Memory: 5 MiB, and up to four times the text passed to `add` when it is not in UTF-8. */
export function createStage(options: StageOptions): Stage {
  const { format, located, stageBytesMax, isByMember = false, columnNames = [] } = options
  const dialect = dialectOf(format)
  const files = createFiles(options)
  let members = 0
  let bytes = 0
  const write = (file: OpenFile, piece: Uint8Array): void => {
    bytes += piece.length
    if (bytes > stageBytesMax) throw stageFull(bytes, stageBytesMax)
    file.writer.append(piece)
  }
  const takeBack = (file: OpenFile, fromBytes: number): void => {
    bytes -= file.writer.bytes - fromBytes
    file.writer.cutTo(fromBytes)
  }
  const passing = { format, openFor: files.openFor, write, takeBack, nextIndex: () => members++ }
  return {
    async addPassed(place, pass) {
      if (located || isByMember || encodingOf(format) !== 'utf-8') return undefined
      return stagePassed(place, pass, passing)
    },
    add(given, origin) {
      const index = members++
      const text = prepareText(given, { format, dialect, origin, columnNames, member: located ? index : undefined })
      const file = files.openFor(text)
      const { archive, member } = origin
      appendText(file, text, { write: piece => write(file, piece), index, archive, member })
    },
    get bytes() {
      return bytes
    },
    finish() {
      files.closeAll()
      // A file whose only text was taken back has none.
      return files.all.filter(file => file.members.length > 0).map(file => stagedFile(file, located))
    },
    discard: files.discard,
  }
}

interface StageFiles {
  readonly all: readonly OpenFile[]
  /** Returns the file that a text is appended to: that of the texts with the same header and newline style, where they may be joined. */
  openFor(text: Pick<StageableText, 'columns' | 'newline' | 'isAlone'>): OpenFile
  closeAll(): void
  discard(): void
}

function createFiles(options: StageOptions): StageFiles {
  const { folder, format, located, isByMember = false, name = 'stage', spares, plainForms } = options
  const dialect = dialectOf(format)
  const all: OpenFile[] = []
  const joinable = new Map<string, OpenFile>()
  const open = new Set<OpenFile>()
  const fileFor: StageFiles['openFor'] = text => {
    const key = JSON.stringify([text.columns, text.newline])
    const found = text.isAlone || isByMember ? undefined : joinable.get(key)
    if (found && !(located && found.writer.bytes >= locatedFileBytes)) return found
    if (found) closeFile(found)
    const file = {
      writer: new FileWriter(join(folder, `${name}-${all.length}.txt`), spares),
      columns: text.columns,
      newline: text.newline,
      isOpen: text.isAlone,
      plain: located || !plainForms ? undefined : new PlainFields(dialect, plainForms(text.columns)),
      members: [],
      records: 0,
      longest: 0,
    }
    all.push(file)
    if (!text.isAlone) joinable.set(key, file)
    return file
  }
  const closeAll = (): void => {
    open.forEach(closeFile)
    open.clear()
  }
  return {
    all,
    openFor(text) {
      const file = fileFor(text)
      if (open.size >= openFilesMax && !open.has(file)) closeAll()
      open.add(file)
      return file
    },
    closeAll,
    discard() {
      for (const { writer, rejects } of all) {
        writer.remove()
        rejects?.remove()
      }
      open.clear()
    },
  }
}

function stageFull(bytes: number, stageBytesMax: number): CapacityError {
  const message = `expected at most ${stageBytesMax} bytes of staged text, got ${bytes}; plan smaller slices, or raise the limit`
  return new CapacityError('DISK_FULL', message, { bytes, stageBytesMax })
}
