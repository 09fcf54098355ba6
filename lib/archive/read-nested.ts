/** Reads members of archives within archives: the archives around them are streams, each inflated once for all members of a slice. */
import type { InputObject, MembersSlice, PlannedMember } from '../model/plan-data.ts'
import type { ByteRange } from '../store/byte-range.ts'
import type { Reader } from '../store/store.ts'
import { asChunks, type MemberBytes, type MemberChunks, type MemberOptions } from '../zip/member-bytes.ts'
import { packMembers, unpackMembers } from '../zip/member-rows.ts'
import { archiveKind } from './archive-kind.ts'
import { type NestedOptions, nestedKind } from './nested-kind.ts'

type ReadOptions = MemberOptions & Pick<NestedOptions, 'isWhole'>

/** A member of an archive, or a nested archive with those of its members that are read. */
interface Node {
  readonly member: PlannedMember
  readonly inner: PlannedMember[] | undefined
}

/** Yields the members of a slice of which some are nested, in the order of the archives. Memory: one chunk, and a member that is read whole. */
export async function* readNested(
  store: Reader,
  input: InputObject,
  slice: MembersSlice,
  options: ReadOptions,
): AsyncGenerator<MemberBytes | MemberChunks> {
  const nodes = nodesAt(unpackMembers(slice), 0)
  const { isWhole, onBad: _, ...reading } = options
  const members = nodes.map(({ member }) => member)
  yield* expand(readOutermost(store, input, members, reading), nodes, 1, {
    ...options,
    archive: input.key,
  })
}

const sliceOf = (members: readonly PlannedMember[], range: ByteRange): MembersSlice => ({
  kind: 'members',
  ...{ slice: 0, input: 0, range, bytes: 0 },
  memberCount: members.length,
  members: packMembers(members),
})

/** Yields the bytes of one member, which may be nested. @throws as `readMembers` */
export async function* openMember(
  store: Reader,
  input: InputObject,
  member: PlannedMember,
  options: MemberOptions,
): AsyncGenerator<Uint8Array> {
  if (!member.within) return yield* archiveKind(input.key).openMember(store, input, member, options)
  for await (const { chunks } of openMembers(store, input, [member], options)) yield* chunks
}

/** Yields members, nested or not, in the order of the archives, each of which is read once for all of them. Members may be archives. */
export async function* openMembers(
  store: Reader,
  input: InputObject,
  members: readonly PlannedMember[],
  options: MemberOptions,
): AsyncGenerator<MemberChunks> {
  const slice = sliceOf(members, { start: 0, end: input.sizeBytes })
  for await (const found of readNested(store, input, slice, { ...options, isWhole: () => false })) yield asChunks(found)
}

/** Yields members of the input itself: of an archive that is read in order all at once, else each by a request of its own. */
async function* readOutermost(
  store: Reader,
  input: InputObject,
  members: readonly PlannedMember[],
  options: MemberOptions,
): AsyncGenerator<MemberChunks> {
  const kind = archiveKind(input.key)
  if (!kind.isSequential) {
    for (const member of members) yield { member, chunks: kind.openMember(store, input, member, options) }
    return
  }
  const slice = sliceOf(members, { start: 0, end: input.sizeBytes })
  for await (const found of kind.readMembersOrChunks(store, input, slice, { ...options, isWhole: () => false }))
    yield asChunks(found)
}

/** Yields what is found, with the members that are read in place of the archives around them. */
async function* expand(
  found: AsyncIterable<MemberBytes | MemberChunks>,
  nodes: readonly Node[],
  depth: number,
  options: NestedOptions,
): AsyncGenerator<MemberBytes | MemberChunks> {
  const byOffset = new Map(nodes.map(node => [node.member.headerOffset, node]))
  for await (const each of found) {
    const inner = byOffset.get(each.member.headerOffset)?.inner
    if (!inner) {
      yield each
      continue
    }
    const innerNodes = nodesAt(inner, depth)
    const archives = new Set(innerNodes.filter(node => node.inner).map(({ member }) => member))
    const isWhole = (member: PlannedMember): boolean => !archives.has(member) && options.isWhole(member)
    const members = innerNodes.map(({ member }) => member)
    const read = nestedKind(each.member.name).read(asChunks(each).chunks, members, { ...options, isWhole })
    yield* expand(read, innerNodes, depth + 1, options)
  }
}

/** Groups members by the archives around them at a depth, in the order of their offsets. */
function nodesAt(members: readonly PlannedMember[], depth: number): readonly Node[] {
  const nodes = new Map<number, Node>()
  for (const member of members) {
    const around = member.within?.[depth]
    const outer = around ? { ...around, within: outside(member, depth) } : member
    const node = nodes.get(outer.headerOffset)
    if (node) node.inner?.push(member)
    else nodes.set(outer.headerOffset, { member: outer, inner: around && [member] })
  }
  return [...nodes.values()].sort((a, b) => a.member.headerOffset - b.member.headerOffset)
}

/** Returns the archives around the archive at a depth. */
const outside = ({ within }: PlannedMember, depth: number): PlannedMember['within'] =>
  depth === 0 ? undefined : (within?.slice(0, depth) as unknown as PlannedMember['within'])
