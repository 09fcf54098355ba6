/** Stages text for the engine: joins members of the same header and newline style into few files, and counts every record. */
import type { TextFormat } from '../define/formats/format-kind.ts'
import { CapacityError } from '../errors/errors.ts'
import type { MemberPlace } from '../model/member-place.ts'
import { dialectOf, encodingOf } from '../text/records/dialect.ts'
import { appendText, type OpenFile, stagedFile } from './open-file.ts'
import { ParsedFiles } from './parsed-files.ts'
import { StageFiles, type StageFilesOptions, type TextLook } from './stage-files.ts'
import { type PassedRecords, type PassRecords, stagePassed } from './stage-passed.ts'
import { type Origin, prepareText } from './stage-text.ts'
import { inOrder, type StagedFile } from './staged-file.ts'

export interface StageOptions extends StageFilesOptions {
  readonly format: TextFormat
  /** Limit on the bytes of all staged text together. */
  readonly stageBytesMax: number
  /** Names of the fields where there is no header; default none, for any number. */
  readonly columnNames?: readonly string[]
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
  /** Parses a file of text that is staged already. Returns false, with nothing staged, where it cannot. */
  addStaged(file: StagedFile): boolean
  /** Bytes of text staged so far. */
  readonly bytes: number
  /** Closes and returns the files. A file without records has no bytes, but names its members. */
  finish(): StagedFile[]
  /** Closes and removes the files; may be called after `finish`. */
  discard(): void
}

/** Opens a stage without files. Writes synchronously. Memory: 5 MiB, and up to four times the text passed to `add` when it is not in UTF-8. */
export function createStage(options: StageOptions): Stage {
  const { format, located, stageBytesMax, isByMember = false, columnNames = [] } = options
  const dialect = dialectOf(format)
  let members = 0
  let bytes = 0
  const count = (added: number): void => {
    bytes += added
    if (bytes > stageBytesMax) throw stageFull(bytes, stageBytesMax)
  }
  const files = new StageFiles({ ...options, dialect })
  const parsing = located || isByMember ? undefined : options.parsing
  const parsed = parsing && new ParsedFiles(parsing, { dialect, files, count })
  const write = (file: OpenFile, piece: Uint8Array): void => {
    count(piece.length)
    file.writer.append(piece)
  }
  const takeBack = (file: OpenFile, fromBytes: number): void => {
    count(fromBytes - file.writer.bytes)
    file.writer.cutTo(fromBytes)
  }
  const nextIndex = (): number => members++
  const passing = { format, openFor: (text: TextLook) => files.openFor(text), write, takeBack, nextIndex }
  return {
    async addPassed(place, pass) {
      if (located || isByMember || encodingOf(format) !== 'utf-8') return undefined
      return (await parsed?.addPassed(place, pass, nextIndex)) ?? stagePassed(place, pass, passing)
    },
    add(given, origin) {
      const { archive, member } = origin
      const named = { index: nextIndex(), archive, member }
      const text = prepareText(given, {
        format,
        dialect,
        origin,
        columnNames,
        member: located ? named.index : undefined,
      })
      if (parsed?.add(text, named)) return
      const file = files.openFor(text)
      appendText(file, text, { write: piece => write(file, piece), ...named })
    },
    addStaged: file => parsed?.addStaged(file) ?? false,
    get bytes() {
      return bytes
    },
    finish() {
      files.closeAll()
      // A file whose only text was taken back has none.
      const texts = files.all.filter(file => file.members.length > 0).map(file => stagedFile(file, located))
      return inOrder([...(parsed?.finish() ?? []), ...texts])
    },
    discard() {
      files.discard()
      parsed?.discard()
    },
  }
}

function stageFull(bytes: number, stageBytesMax: number): CapacityError {
  const message = `expected at most ${stageBytesMax} bytes of staged text, got ${bytes}; plan smaller slices, or raise the limit`
  return new CapacityError('DISK_FULL', message, { bytes, stageBytesMax })
}
