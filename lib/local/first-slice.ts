/** Cuts the inputs of a task to the beginning of the first one, of which a preview is made. */
import type { TaskDefinition } from '../define/definition.ts'
import { isText } from '../define/format-kind.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import type { InputObject, MembersSlice, PlannedMember, Slice } from '../model/plan-data.ts'
import type { StreamPiece } from '../process/share-out.ts'
import { membersOfSlice, packMembers } from '../zip/member-rows.ts'

export interface FirstSlice {
  /** The same inputs, of which only the first slice is read. */
  readonly found: FoundInputs
  /** The input and the member that are read; absent where there is nothing to read. */
  readonly place?: { readonly archive: string; readonly member?: string }
}

/** Returns the first slice: one member or file, one partition, one value or one part of a dataset. Text is read as a stream, so that its reading can end early. */
export function firstSlice(found: FoundInputs, { source: { format } }: Pick<TaskDefinition, 'source'>): FirstSlice {
  const slices = found.cut(found.inputs)
  const first = slices.find(({ bytes }) => bytes > 0) ?? slices[0]
  if (!first) return { found }
  const input = found.inputs[first.input] as InputObject
  const member = membersOfSlice(first).find(({ inflatedBytes }) => inflatedBytes > 0) ?? membersOfSlice(first)[0]
  const slice = { ...cutSlice(first, member, format !== undefined && isText(format)), slice: 0, input: 0 } as Slice
  const archive = first.kind === 'part' ? first.part.key : input.key
  return {
    found: { ...found, inputs: [input], cut: () => [slice], memberCount: 1 },
    place: { archive, ...(member && { member: member.name }) },
  }
}

function cutSlice(first: Slice, member: PlannedMember | undefined, isStreamable: boolean): Slice {
  const { slice, input, bytes } = first
  if (isStreamable && (first.kind === 'members' || first.kind === 'range' || first.kind === 'file'))
    return { kind: 'stream', slice, input, bytes, ...(member && { member }) }
  return first.kind === 'members' && member ? onlyMember(first, member) : first
}

/** Returns the slice with one of its members; its range stays, up to the one that comes after. */
function onlyMember(first: MembersSlice, member: PlannedMember): MembersSlice {
  const next = membersOfSlice(first)
    .map(({ headerOffset }) => headerOffset)
    .filter(offset => offset > member.headerOffset)
  const range = { start: member.headerOffset, end: Math.min(first.range.end, ...next) }
  return { ...first, range, memberCount: 1, members: packMembers([member]), bytes: member.inflatedBytes }
}

/** Ends a stream after its first piece, and reports whether that was all of it. */
export async function* firstPiece<Piece extends object>(
  pieces: AsyncIterable<Piece | StreamPiece>,
  onEnd: (isWhole: boolean) => void,
): AsyncGenerator<Piece | StreamPiece> {
  for await (const piece of pieces) {
    // The last piece alone has the bytes that were read for the whole stream.
    onEnd(!('bytesIn' in piece) || piece.bytesIn > 0)
    yield piece
    return
  }
}
