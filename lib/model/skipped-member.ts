/** Members that `onBadMember: 'skip'` skipped: all are counted, the first are listed, and a file of the state has every one. */
import { gzipSync } from 'node:zlib'
import * as v from 'valibot'
import type { FanmillError } from '../errors/errors.ts'

const memberSchema = v.object({
  archive: v.string(),
  member: v.string(),
  code: v.string(),
  /** The reason, with archive and member. */
  message: v.string(),
})

export type SkippedMember = Readonly<v.InferOutput<typeof memberSchema>>

export const skippedSchema = v.object({
  count: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** At most `skippedShownMax` of them. */
  first: v.pipe(v.array(memberSchema), v.readonly()),
  /** Keys of the state files that list every one, where there are more than `first`: JSON lines in gzip. */
  files: v.pipe(v.array(v.string()), v.readonly()),
})

export type SkippedMembers = Readonly<v.InferOutput<typeof skippedSchema>>

/** Members that a manifest, a status and an error list. */
export const skippedShownMax = 20

/** Returns the entry of a member that is skipped for this fault. */
export function skippedMember({
  code,
  message,
  detail,
}: Pick<FanmillError, 'code' | 'message' | 'detail'>): SkippedMember {
  return { archive: String(detail.archive), member: String(detail.member), code, message }
}

/** Returns the log line of a skipped member. */
export function skippedLine({ archive, member, message }: SkippedMember) {
  return { level: 'warn', message: `member skipped: ${message}`, archive, member } as const
}

/** Joins the skipped members of several places; undefined where there are none. */
export function joinSkipped(all: readonly (SkippedMembers | undefined)[]): SkippedMembers | undefined {
  const some = all.filter(each => each !== undefined && each.count > 0) as readonly SkippedMembers[]
  if (some.length === 0) return undefined
  return {
    count: some.reduce((sum, each) => sum + each.count, 0),
    first: some.flatMap(each => each.first).slice(0, skippedShownMax),
    files: some.flatMap(each => each.files),
  }
}

/** Lines that are compressed together, and so kept in memory as text. */
const pieceLines = 10_000

/** Returns all members as JSON lines in gzip. Memory: the compressed lines, and the lines of one piece. */
export function skippedFile(members: Iterable<SkippedMember>): Uint8Array {
  const pieces: Buffer[] = []
  let lines: string[] = []
  const compress = (): void => {
    // Several gzip pieces in a row are one gzip file.
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
