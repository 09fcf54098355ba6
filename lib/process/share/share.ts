/** Processes one thread's share: stages its slices a group at a time, converts each group, and writes the accounts. */
import type { ConvertedParts } from '../../engine/conversion.ts'
import { weightOf } from '../../inputs/slices/plan-slices.ts'
import type { Slice } from '../../model/plan-data.ts'
import type { MemberAccount, ShareJob, ShareResult } from '../../model/share.ts'
import { sumFields } from '../../model/sum-fields.ts'
import type { StagedSlices, StageSource } from '../../stage/stage-slices.ts'
import { convertGroup, type GroupResult, groupParts, type ShareTools } from './group.ts'

export type { ShareTools, StageOptions } from './group.ts'

/** Processes a share group by group. A group is staged after the one before is converted: a thread uses one CPU, and only reads run ahead. */
export async function processShare(job: ShareJob, tools: ShareTools): Promise<ShareResult> {
  // Reports that work has begun, long before the first group is done.
  tools.progress({ members: 0, bytes: 0, rowsWritten: 0, rowsRejected: 0 })
  const results: GroupSummary[] = []
  const groups = groupsOf(job)
  for (const group of groups)
    for await (const { source, staged, isLast } of groupParts(group, tools)) {
      const target = `${job.target}-${results.length}`
      try {
        const result = await convertGroup(source, staged, target, tools)
        const counted = source === group ? result : { ...result, staged: countedAs(staged, result) }
        results.push(inBucket(group, await summarizeGroup(counted, target, tools)))
      } finally {
        if (isLast && group === groups.at(-1)) discardLater(staged)
        else staged.discard()
      }
    }
  return joinGroups(results, tools)
}

/**
 * Removes text after the result of its share was sent: freeing 100 MB of a tmpfs takes some 15 milliseconds, in which parts are synced
 * already.
 */
function discardLater(staged: StagedSlices): void {
  setImmediate(() => {
    try {
      staged.discard()
    } catch {
      // Deliberately ignored, because the folder of the thread is removed later.
    }
  })
}

/** Takes the counts from the first staging: text that was staged again has no number of members and bytes. */
function countedAs(first: StagedSlices, { staged }: GroupResult): GroupResult['staged'] {
  return { ...staged, ...countsOf(first), recordsFound: staged.recordsFound }
}

type StagedCounts = Pick<
  StagedSlices,
  'recordsFound' | 'memberCount' | 'skipped' | 'bytesIn' | 'bytesInflated' | 'rowGroupsSkipped' | 'ranges'
>

function countsOf(staged: StagedCounts): StagedCounts {
  const { recordsFound, memberCount, skipped, bytesIn, bytesInflated, rowGroupsSkipped, ranges } = staged
  return { recordsFound, memberCount, skipped, bytesIn, bytesInflated, rowGroupsSkipped, ranges }
}

/** Groups slices in their order, up to `groupBytes` each, in groups of nearly equal bytes. */
function groupsOf(job: ShareJob): StageSource[] {
  if (job.staged) return [{ kind: 'staged', staged: job.staged }]
  if (job.slices.some(slice => keptBucket(slice) !== undefined))
    return job.slices.map(slice => ({ kind: 'slices', slices: [slice], inputs: job.inputs }))
  const bytes = job.slices.reduce((sum, slice) => sum + weightOf(slice), 0)
  const count = Math.max(1, Math.ceil(bytes / job.groupBytes))
  const groups: Slice[][] = [[]]
  let before = 0
  for (const slice of job.slices) {
    const weight = weightOf(slice)
    const number = Math.min(count - 1, Math.floor(((before + weight / 2) * count) / Math.max(1, bytes)))
    before += weight
    while (groups.length <= number) groups.push([])
    groups[number]?.push(slice)
  }
  return groups
    .filter(slices => slices.length > 0 || groups.length === 1)
    .map(slices => ({ kind: 'slices', slices, inputs: job.inputs }))
}

const keptBucket = (slice: Slice): number | undefined =>
  slice.kind === 'exchange' && slice.isKept ? slice.buckets.start : undefined

/** The result of a group without its accounts, which are written: nothing here grows with the number of members. */
interface GroupSummary {
  readonly converted: Omit<ConvertedParts, 'rejectedByMember'>
  readonly staged: StagedCounts
  readonly accountFile: string
}

async function summarizeGroup(
  { converted, staged }: GroupResult,
  target: string,
  tools: ShareTools,
): Promise<GroupSummary> {
  const accountFile = `${target}.accounts`
  await tools.writeAccounts(accountsOf({ converted, staged }), accountFile)
  for (const member of staged.skipped) tools.onSkip?.(member)
  const { rejectedByMember: _, ...kept } = converted
  return { converted: kept, staged: countsOf(staged), accountFile }
}

/** Names the bucket of the parts, where rows are kept by key. */
function inBucket(group: StageSource, summary: GroupSummary): GroupSummary {
  const [slice] = group.kind === 'slices' ? group.slices : []
  const bucket = slice && keptBucket(slice)
  if (bucket === undefined) return summary
  const parts = summary.converted.parts.map(part => ({ ...part, bucket }))
  return { ...summary, converted: { ...summary.converted, parts } }
}

function joinGroups(results: readonly GroupSummary[], tools: ShareTools): ShareResult {
  const converted = results.map(result => result.converted)
  const staged = results.map(result => result.staged)
  const rejects = converted.flatMap(each => each.rejects)
  return {
    parts: converted.flatMap(each => each.parts),
    ...sumFields(converted, ['rowsRead', 'rowsWritten', 'rowsRejected']),
    ...sumFields(staged, ['recordsFound', 'bytesIn', 'bytesInflated', 'rowGroupsSkipped']),
    members: sumFields(staged, ['memberCount']).memberCount,
    skipped: staged.flatMap(each => each.skipped),
    accountFiles: results.map(({ accountFile }) => accountFile),
    rejectFiles: rejects.map(each => each.file),
    firstRejects: rejects.flatMap(each => each.first).slice(0, 10),
    ranges: staged.flatMap(each => each.ranges),
    schema: tools.engine.schema,
    worker: tools.worker,
  }
}

function* accountsOf({ converted, staged }: GroupResult): Generator<MemberAccount> {
  for (const [index, { archive, member, records }] of staged.members.entries())
    yield { archive, member, records, rejected: converted.rejectedByMember[index] ?? 0 }
}
