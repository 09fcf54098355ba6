/** One file of a stage while texts are appended to it. */
import { lineDelimiter } from '../define/formats/format-kind.ts'
import type { PlainColumns } from '../text/columns/plain-columns.ts'
import type { EarlyReject } from '../text/records/early-rejects.ts'
import { FileWriter } from './file-writer.ts'
import { byteOrderMark, type StageableText } from './stage-text.ts'
import type { StagedFile, StagedMember } from './staged-file.ts'

/** A staged file that further members may be appended to. */
export interface OpenFile {
  readonly writer: FileWriter
  /** Records that are rejects already; created for the first one. */
  rejects?: FileWriter
  readonly columns: readonly string[]
  readonly newline: 'lf' | 'crlf'
  readonly isOpen: boolean
  readonly plain: PlainColumns | undefined
  readonly members: StagedMember[]
  records: number
  longest: number
}

/** Closes a file until the next text is appended to it. */
export function closeFile({ writer, rejects }: OpenFile): void {
  writer.close()
  rejects?.close()
}

type NamedWrite = Pick<StagedMember, 'index' | 'archive' | 'member'> & { write(piece: Uint8Array): void }

/** Appends the text of a member, whose records that are rejects already go to a file of their own. */
export function appendText(file: OpenFile, text: StageableText, { write, ...named }: NamedWrite): void {
  const { records, firstLine, firstRecord } = text
  if (text.hasMark && file.writer.bytes === 0) write(byteOrderMark)
  const start = file.writer.bytes
  if (text.unchanged) file.plain?.add(text.unchanged)
  else if (records > 0) file.plain?.giveUp()
  const { gaps, longest = 0 } = text.writeTo(write, record => appendReject(file, named.index, record))
  file.records += records
  file.longest = Math.max(file.longest, longest)
  file.members.push({ ...named, records, start, end: file.writer.bytes, firstLine, firstRecord, gaps })
}

function appendReject(file: OpenFile, index: number, { line, record, column, expected, text }: EarlyReject): void {
  file.rejects ??= new FileWriter(file.writer.file.replace(/\.txt$/, '.rejects'))
  const fields = [index, line, record, JSON.stringify(column), expected, JSON.stringify(text)]
  file.rejects.append(Buffer.from(`${fields.join(lineDelimiter)}\n`))
}

/** Describes a closed file for the engine. */
export function stagedFile({ writer, rejects, longest, plain, ...file }: OpenFile, located: boolean): StagedFile {
  const found = { longestRecord: located ? longest : undefined, plainColumns: plain?.columns }
  return { ...file, ...found, file: writer.file, bytes: writer.bytes, located, setAside: rejects?.file }
}
