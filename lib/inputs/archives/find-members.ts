/** Finds the members of archives that a run reads, those that it skips, and archives without any member for it. */

import { archiveKind } from '../../archive/archive-kind.ts'
import type { ZipMembersSource } from '../../define/definition.ts'
import { isText } from '../../define/formats/format-kind.ts'
import { layoutOf } from '../../define/outputs/output-kind.ts'
import type { SkippedMember } from '../../model/outcome/skipped-member.ts'
import type { InputObject, Slice } from '../../model/plan-data.ts'
import type { StoredObject } from '../../store/store.ts'
import { listOfMembers, type MemberList, membersOf, pickMembers, sumOfSpans } from '../../zip/member-list.ts'
import { checkExtractable } from '../../zip/names.ts'
import type { FindOptions, FoundObjects } from '../find-options.ts'
import type { UnusedArchive } from '../input-warnings.ts'
import { openAll } from '../open-input.ts'
import { cutInputs } from '../slices/cut-inputs.ts'
import { type MemberSlicesOptions, planMemberSlices, planWholeArchive } from '../slices/member-slices.ts'
import { weightOf } from '../slices/plan-slices.ts'
import { spreadIndexes } from '../slices/spread.ts'
import { type OpenArchive, openArchive } from './open-archive.ts'

export interface FoundMembers extends FoundObjects {
  /** Names of the members, until they are released. */
  names(): readonly string[]
}

export async function findMembers(
  source: ZipMembersSource,
  objects: readonly StoredObject[],
  options: FindOptions,
): Promise<FoundMembers> {
  const archives = await openAll(objects, object => openArchive(source, object, options), options)
  const chosen = sampleMembers(archives, options.sample)
  if (options.task.output && !layoutOf(options.task.output)) checkExtractable(extracted(archives, chosen))
  const byKey = new Map(archives.map(({ input }, index) => [input.key, chosen[index] as MemberList]))
  const memberCount = chosen.reduce((sum, { length }) => sum + length, 0)
  const bytes = chosen.reduce((sum, list) => sum + sumOfSpans(list, span => span.inflatedBytes), 0)
  return {
    inputs: archives
      .map(archive => archive.input)
      .filter(({ key }) => memberCount === 0 || byKey.get(key)?.length !== 0),
    cut: inputs =>
      cutInputs(
        inputs,
        (input, at) => cutArchive(input, byKey.get(input.key) ?? listOfMembers([]), { ...at, ...wholeMembers(source) }),
        weightOf({ bytes, memberCount }),
        options,
      ),
    memberCount,
    names: () => Array.from(extracted(archives, chosen), ({ name }) => name),
    release() {
      for (const list of [archives, chosen]) list.length = 0
      byKey.clear()
    },
    skipped: {
      count: archives.reduce((sum, { skipped }) => sum + skipped.length, 0),
      all: () => skippedIn(archives),
    },
    unused: archives.flatMap(archive => unusedArchive(archive, source)),
    bytesIn: archives.reduce((sum, archive, index) => sum + readBytes(archive, chosen[index] as MemberList), 0),
    bytes,
  }
}

/** Cuts an archive by its members; one that is read in order only is one slice. */
const cutArchive = (
  { key, sizeBytes }: InputObject,
  members: MemberList,
  options: MemberSlicesOptions,
): readonly Slice[] =>
  archiveKind(key).isSequential
    ? planWholeArchive(members, { ...options, sizeBytes })
    : planMemberSlices(members, options)

const readBytes = ({ input }: OpenArchive, members: MemberList): number =>
  archiveKind(input.key).isSequential ? input.sizeBytes : sumOfSpans(members, span => span.compressedBytes)

/** Options for members that are no text: one of any size is staged whole. */
const wholeMembers = ({ format }: ZipMembersSource): { streamBytes?: number } =>
  format && !isText(format) ? { streamBytes: Number.MAX_SAFE_INTEGER } : {}

/** Selects the members of each archive that are in a sample, spread over all of them. */
function sampleMembers(archives: readonly OpenArchive[], sample: FindOptions['sample']): MemberList[] {
  if (sample === undefined) return archives.map(({ members }) => members)
  const total = archives.reduce((sum, { members }) => sum + members.length, 0)
  const picked = spreadIndexes(total, sample)
  let before = 0
  let at = 0
  return archives.map(({ members }) => {
    const own: number[] = []
    for (; at < picked.length && (picked[at] as number) < before + members.length; at++)
      own.push((picked[at] as number) - before)
    before += members.length
    return pickMembers(members, own)
  })
}

function* extracted(archives: readonly OpenArchive[], chosen: readonly MemberList[]) {
  for (const [index, list] of chosen.entries())
    for (const { name } of membersOf(list)) yield { name, archive: archives[index]?.input.key }
}

function* skippedIn(archives: readonly OpenArchive[]): Generator<SkippedMember> {
  for (const { skipped } of archives) for (let index = 0; index < skipped.length; index++) yield skipped.get(index)
}

function unusedArchive({ input, members, skipped }: OpenArchive, source: ZipMembersSource): readonly UnusedArchive[] {
  if (members.length > 0) return []
  const why =
    skipped.length > 0
      ? `all ${skipped.length} members that match ${source.members} are skipped as bad, the first: ${skipped.get(0).message}`
      : `no member matches ${source.members}`
  return [{ archive: input.key, message: `archive ${input.key} gives nothing to the run: ${why}` }]
}
