/** Members that `onBadMember: 'skip'` passed over: all are counted, the first are listed, and a file of the state has every one. */
import { gzipSync } from 'node:zlib'
import * as v from 'valibot'
import type { FanmillError } from '../errors/errors.ts'

export interface SkippedMember {
  readonly archive: string
  readonly member: string
  readonly code: string
  /** Why, with archive and member. */
  readonly message: string
}

export interface SkippedMembers {
  readonly count: number
  /** At most `skippedShownMax`. */
  readonly first: readonly SkippedMember[]
  /** Keys of the state files that list every one, where there are more than `first`: JSON lines in gzip. */
  readonly files: readonly string[]
}

/** Members that a manifest, a status and an error list. */
export const skippedShownMax = 20

const memberSchema = v.object({ archive: v.string(), member: v.string(), code: v.string(), message: v.string() })
const skippedListSchema: v.GenericSchema<unknown, readonly SkippedMember[]> = v.array(memberSchema)
export const skippedSchema: v.GenericSchema<unknown, SkippedMembers> = v.object({
  count: v.pipe(v.number(), v.integer(), v.minValue(0)),
  first: skippedListSchema,
  files: v.array(v.string()),
})

/** What the list says of a member whose fault is passed over. */
export function skippedMember({
  code,
  message,
  detail,
}: Pick<FanmillError, 'code' | 'message' | 'detail'>): SkippedMember {
  return { archive: String(detail.archive), member: String(detail.member), code, message }
}

/** A log line of a member that is passed over. */
export function skippedLine({ archive, member, message }: SkippedMember) {
  return { level: 'warn', message: `member skipped: ${message}`, archive, member } as const
}

/** Those of several places together; undefined where there are none. */
export function joinSkipped(all: readonly (SkippedMembers | undefined)[]): SkippedMembers | undefined {
  const some = all.filter(each => each !== undefined && each.count > 0) as readonly SkippedMembers[]
  if (some.length === 0) return undefined
  return {
    count: some.reduce((sum, each) => sum + each.count, 0),
    first: some.flatMap(each => each.first).slice(0, skippedShownMax),
    files: some.flatMap(each => each.files),
  }
}

/** Members whose lines are compressed together: what is held of them as text. */
const pieceLines = 10_000

/** Every one as JSON lines in gzip. Memory: the compressed lines, and those of one piece. */
export function skippedFile(members: Iterable<SkippedMember>): Uint8Array {
  const pieces: Buffer[] = []
  let lines: string[] = []
  const compress = (): void => {
    // Pieces of gzip one after another are one file of gzip.
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
