/** Stages records that are passed on in pieces, as long as they can be written as they are. */
import { hasFields, type TextFormat } from '../define/formats/format-kind.ts'
import type { MemberPlace } from '../model/member-place.ts'
import type { RecordScan } from '../text/records/records.ts'
import type { OpenFile } from './open-file.ts'
import { byteOrderMark, hasMark, newlineOf, plainNewline, type StageableText } from './stage-text.ts'

export interface PassedRecords {
  readonly scan: RecordScan
  /** 1-based physical line of the first byte; default 1. */
  readonly firstLine?: number
}

/**
 * Passes the records of a text on in pieces of whole records, each with the header of the text, until `take` returns false. Returns undefined
 * where it cannot pass all.
 */
export type PassRecords<T extends PassedRecords> = (
  take: (records: Uint8Array, header: readonly string[]) => boolean,
) => Promise<T | undefined>

/** The parts of a stage that passed records use. */
export interface PassTools {
  readonly format: TextFormat
  openFor(text: Pick<StageableText, 'columns' | 'newline' | 'isAlone'>): OpenFile
  write(file: OpenFile, piece: Uint8Array): void
  /** Removes what was written last to a file. */
  takeBack(file: OpenFile, fromBytes: number): void
  nextIndex(): number
}

/** Appends the records to one file. Returns undefined, with the file as it was, where they cannot be written as they are. */
export async function stagePassed<T extends PassedRecords>(
  { archive, member }: MemberPlace,
  pass: PassRecords<T>,
  { format, openFor, write, takeBack, nextIndex }: PassTools,
): Promise<T | undefined> {
  let target: { readonly file: OpenFile; readonly start: number } | undefined
  const passed = await pass((records, header) => {
    if (!target) {
      const columns = hasFields(format) ? header : ['line']
      // The first newline shows the style of all, or they are taken back.
      const file = openFor({
        columns,
        newline: records[records.indexOf(10) - 1] === 13 ? 'crlf' : 'lf',
        isAlone: false,
      })
      if (hasMark(records) && file.writer.bytes === 0) write(file, byteOrderMark)
      target = { file, start: file.writer.bytes }
    }
    write(target.file, records)
    target.file.plain?.add(records)
    return true
  })
  if (!target) return undefined
  const { file, start } = target
  if (!passed || plainNewline(passed.scan, file.columns, format) !== file.newline) {
    takeBack(file, start)
    return undefined
  }
  const { scan, firstLine = 1 } = passed
  if (!scan.endsWithNewline) write(file, newlineOf(file.newline))
  file.records += scan.records
  const place = { index: nextIndex(), archive, member, firstLine, firstRecord: 1, gaps: [] }
  file.members.push({ ...place, records: scan.records, start, end: file.writer.bytes })
  return passed
}
