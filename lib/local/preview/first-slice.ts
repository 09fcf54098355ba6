/** Cuts the inputs of a task to the beginning of the first one, of which a preview is made. */
import type { TaskDefinition } from '../../define/definition.ts'
import { isText } from '../../define/formats/format-kind.ts'
import type { FoundInputs } from '../../inputs/find-inputs.ts'
import type { InputObject, MembersSlice, PlannedMember, Slice } from '../../model/plan-data.ts'
import type { StreamPiece } from '../../process/share/distribute.ts'
import { membersOfSlice, packMembers } from '../../zip/member-rows.ts'

export interface FirstSlice {
  /** The same inputs, of which only the first slice is read. */
  readonly found: FoundInputs
  /** The input and the member that are read; absent where there is nothing to read. */
  readonly place?: { readonly archive: string; readonly member?: string }
}

/**
 * Returns the first slice: one member or file, one partition, one value or one part of a dataset; of a join one part of each side. Text is
 * read as a stream, so that its reading can end early.
 */
export function firstSlice(found: FoundInputs, { source: { format } }: Pick<TaskDefinition, 'source'>): FirstSlice {
  const slices = found.cut(found.inputs)
  const sides = [...Map.groupBy(slices, slice => (slice.kind === 'part' ? (slice.side ?? 0) : 0)).values()]
  const firsts = sides.flatMap(own => own.find(({ bytes }) => bytes > 0) ?? own[0] ?? [])
  const [first] = firsts
  if (!first) return { found }
  const isStreamable = format !== undefined && isText(format)
  const indexes = [...new Set(firsts.map(({ input }) => input))]
  const cut = firsts.map((each, slice) => ({
    ...cutSlice(each, firstMember(each), isStreamable),
    ...{ slice, input: indexes.indexOf(each.input) },
  })) as Slice[]
  const inputs = indexes.map(index => found.inputs[index] as InputObject)
  const member = firstMember(first)
  const archive = partKey(first) ?? (inputs[0] as InputObject).key
  return {
    found: { ...found, inputs, cut: () => cut, memberCount: cut.length },
    place: { archive, ...(member && { member: member.name }) },
  }
}

/** Returns the key of the part that a slice begins with; undefined for a slice of other inputs. */
function partKey(slice: Slice): string | undefined {
  if (slice.kind === 'part') return slice.part.key
  return slice.kind === 'exchange' ? slice.pieces[0]?.key : undefined
}

const firstMember = (slice: Slice): PlannedMember | undefined => {
  const members = membersOfSlice(slice)
  return members.find(({ inflatedBytes }) => inflatedBytes > 0) ?? members[0]
}

function cutSlice(first: Slice, member: PlannedMember | undefined, isStreamable: boolean): Slice {
  const { slice, input, bytes } = first
  if (isStreamable && (first.kind === 'members' || first.kind === 'range' || first.kind === 'file'))
    return { kind: 'stream', slice, input, bytes, ...(member && { member }) }
  return first.kind === 'members' && member ? onlyMember(first, member) : first
}

/** Returns the slice with one of its members; its range stays, up to the one that comes after. */
function onlyMember(first: MembersSlice, member: PlannedMember): MembersSlice {
  if (first.isNested) return { ...first, memberCount: 1, members: packMembers([member]), bytes: member.inflatedBytes }
  const end = membersOfSlice(first)
    .map(({ headerOffset }) => headerOffset)
    .filter(offset => offset > member.headerOffset)
    .reduce((least, offset) => Math.min(least, offset), first.range.end)
  const range = { start: member.headerOffset, end }
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
