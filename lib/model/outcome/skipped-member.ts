/** Members that `onBadMember: 'skip'` skips: all are counted, the first are listed, and a file of the state has every one. */
import { gzipSync } from 'node:zlib'
import * as v from 'valibot'
import type { FanmillError } from '../../errors/errors.ts'
import { count, type DataOf } from '../json-schema.ts'

const memberSchema = v.object({
  archive: v.string(),
  member: v.string(),
  code: v.string(),
  /** The fault, with archive and member. */
  message: v.string(),
})
export type SkippedMember = DataOf<typeof memberSchema>

export const skippedSchema = v.object({
  count,
  /** At most `skippedShownMax`. */
  first: v.array(memberSchema),
  /** Keys of the state files that list every one, where there are more than `first`: JSON lines in gzip. */
  files: v.array(v.string()),
})
export type SkippedMembers = DataOf<typeof skippedSchema>

/** Members that a manifest, a status and an error list. */
export const skippedShownMax = 20

/** Returns the entry of the list for a member with this fault. */
export function skippedMember({
  code,
  message,
  detail,
}: Pick<FanmillError, 'code' | 'message' | 'detail'>): SkippedMember {
  return { archive: String(detail.archive), member: String(detail.member), code, message }
}

export function skippedLine({ archive, member, message }: SkippedMember) {
  return { level: 'warn', message: `member skipped: ${message}`, archive, member } as const
}

/** Adds several lists up; undefined where no member was skipped. */
export function joinSkipped(all: readonly (SkippedMembers | undefined)[]): SkippedMembers | undefined {
  const some = all.filter(each => each !== undefined && each.count > 0) as readonly SkippedMembers[]
  if (some.length === 0) return undefined
  return {
    count: some.reduce((sum, each) => sum + each.count, 0),
    first: some.flatMap(each => each.first).slice(0, skippedShownMax),
    files: some.flatMap(each => each.files),
  }
}

/** Members whose lines are compressed together, so that no more of them is held as text. */
const pieceLines = 10_000

/** Returns all members as JSON lines in gzip. Memory: the compressed lines, and the lines of one piece. */
export function skippedFile(members: Iterable<SkippedMember>): Uint8Array {
  const pieces: Buffer[] = []
  let lines: string[] = []
  const compress = (): void => {
    // Several gzip streams one after another are a valid gzip file.
    pieces.push(gzipSync(lines.join('')))
    lines = []
  }
  for (const member of members) {
    lines.push(`${JSON.stringify(member)}\n`)
    if (lines.length >= pieceLines) compress()
  }
  if (lines.length > 0 || pieces.length === 0) compress()
  return Buffer.concat(pieces)
}
