/** Reads the text of members: large ones in chunks, and members that are compressed files inflated a second time. */
import { archiveKind, readWholeUnlessBad } from '../archive/archive-kind.ts'
import { openMember, readNested } from '../archive/read-nested.ts'
import { FanmillError } from '../errors/errors.ts'
import { compressionOf } from '../inflate/compression.ts'
import { inflateNamed } from '../inflate/file.ts'
import type { InputObject, MembersSlice, PlannedMember } from '../model/plan-data.ts'
import type { Reader } from '../store/store.ts'
import { memberError } from '../zip/local-header.ts'
import type { MemberBytes, MemberChunks, MemberOptions } from '../zip/member-bytes.ts'

/** Members up to this size are read whole, which is a little faster. */
const wholeBytesMax = 16 * 1024 * 1024

/** As `readMembers`. Memory: the slice's range, and one whole member where bad ones are skipped. */
export async function* readTexts(
  store: Reader,
  input: InputObject,
  slice: MembersSlice,
  options: MemberOptions,
): AsyncGenerator<MemberBytes | MemberChunks> {
  const { onBad, ...reading } = options
  const archive = archiveKind(input.key)
  if (onBad && archive.hasChecksums && !slice.isNested) {
    for await (const { member, bytes } of archive.readMembers(store, input, slice, options)) {
      if (!compressionOf(member.name)) yield { member, bytes }
      else if (await isWhole(bytes, { member, input, ...options, onBad }))
        yield { member, chunks: inflateText(once(bytes), { member, input, ...options }) }
    }
    return
  }
  // Nested members that may be skipped are read whole, as far as they are not so large that they are streams.
  const largest = onBad && slice.isNested ? keptBytesMax : wholeBytesMax
  const isReadWhole = ({ name, inflatedBytes }: PlannedMember): boolean =>
    inflatedBytes <= largest && !compressionOf(name)
  const found = slice.isNested
    ? readNested(store, input, slice, { ...options, isWhole: isReadWhole })
    : archive.readMembersOrChunks(store, input, slice, { ...reading, isWhole: isReadWhole })
  for await (const each of found) {
    const { member } = each
    if (onBad && 'chunks' in each) {
      const kept = await keepWhole(each, { input, ...options, onBad })
      if (kept) yield kept
    } else yield 'bytes' in each ? each : { member, chunks: inflateText(each.chunks, { member, input, ...reading }) }
  }
}

/**
 * Returns a member of an archive without checksums: one that is compressed itself, and whose fault shows only at its end, is checked
 * first. Returns undefined when it is bad. @throws ZIP_LIMIT when it is too large to be kept for that
 */
async function keepWhole(
  { member, chunks }: MemberChunks,
  options: Omit<TextOptions, 'member'> & Required<Pick<MemberOptions, 'onBad'>>,
): Promise<MemberChunks | undefined> {
  if (!compressionOf(member.name)) return { member, chunks }
  if (member.inflatedBytes > keptBytesMax) {
    const what = `expected at most ${keptBytesMax} bytes of a compressed member that may be skipped, got ${member.inflatedBytes}; set onBadMember: 'fail'`
    throw memberError('ZIP_LIMIT', { archive: options.input.key, member }, what)
  }
  const bytes = await readWholeUnlessBad({ member, chunks }, options)
  if (!bytes) return undefined
  const isGood = await isWhole(bytes, { ...options, member })
  return isGood ? { member, chunks: inflateText(once(bytes), { ...options, member }) } : undefined
}

/** The most bytes of a compressed member that are kept to check it before a row of it is written. */
const keptBytesMax = 64 * 1024 * 1024

/** As `openMember`. */
export function openText(
  store: Reader,
  input: InputObject,
  member: PlannedMember,
  options: MemberOptions,
): AsyncGenerator<Uint8Array> {
  return inflateText(openMember(store, input, member, options), { member, input, ...options })
}

interface TextOptions extends MemberOptions {
  readonly member: PlannedMember
  readonly input: InputObject
}

async function* inflateText(
  source: AsyncIterable<Uint8Array>,
  { member, input, limits, signal }: TextOptions,
): AsyncGenerator<Uint8Array> {
  if (!compressionOf(member.name)) {
    yield* source
    return
  }
  const { memberBytesMax } = limits
  const detail = { archive: input.key, member: member.name }
  let sizeBytes = 0
  for await (const chunk of inflateNamed(source, member.name, {
    where: `${input.key}, member ${member.name}`,
    detail,
    signal,
  })) {
    sizeBytes += chunk.length
    if (sizeBytes > memberBytesMax) throw tooLarge(memberBytesMax, { archive: input.key, member })
    yield chunk
  }
}

function tooLarge(memberBytesMax: number, place: Parameters<typeof memberError>[1]): FanmillError {
  const what = `expected at most ${memberBytesMax} bytes when inflated twice, got more; raise limits.memberBytesMax if the archive is trusted`
  return memberError('ZIP_LIMIT', place, what, { memberBytesMax })
}

/** Inflates a member without keeping its text: a fault shows only at the end, and no row of a skipped member may be written. */
async function isWhole(
  bytes: Uint8Array,
  options: TextOptions & Required<Pick<MemberOptions, 'onBad'>>,
): Promise<boolean> {
  try {
    for await (const _chunk of inflateText(once(bytes), options));
    return true
  } catch (error) {
    if (!(error instanceof FanmillError) || options.signal?.aborted) throw error
    options.onBad(options.member, error)
    return false
  }
}

/** Yields a text as one chunk, also an empty one. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
