/** One thread's work: stages its slices a group at a time, converts each group, and keeps the accounts. */
import { PermanentError } from '../core/errors.ts'
import type { Slice } from '../core/plan-data.ts'
import type { Reject } from '../core/reject.ts'
import type { MemberAccount, RangeEnds, ShareJob, SharePart, ShareResult } from '../core/share.ts'
import type { Converted, ConvertedParts, ConvertJob } from '../engine/convert.ts'
import type { StagedSlices, StageSource } from '../io/stage-slices.ts'

/** What a share needs of its thread. */
export interface ShareTools {
  readonly engine: {
    readonly schema: ShareResult['schema']
    convert(job: ConvertJob): Promise<Converted>
  }
  /** Reads and stages text; the caller discards what comes back. */
  stage(source: StageSource, options: { readonly isLocated: boolean }): Promise<StagedSlices>
  readonly worker: ShareResult['worker']
  /** Provenance columns are asked for: text is always staged located. */
  readonly isAlwaysLocated: boolean
  progress(done: {
    readonly members: number
    readonly bytes: number
    readonly rowsWritten: number
    readonly rowsRejected: number
  }): void
}

/** A group is one writer's input: converted while the next group is read and inflated. */
export async function processShare(job: ShareJob, tools: ShareTools): Promise<ShareResult> {
  const groups = groupsOf(job)
  const results: GroupResult[] = []
  let ahead = groups[0] && settle(stageGroup(groups[0], tools))
  for (const [index, group] of groups.entries()) {
    const staged = unwrap(await (ahead as Promise<Settled<StagedSlices>>))
    const next = groups[index + 1]
    ahead = next && settle(stageGroup(next, tools))
    try {
      results.push(await convertGroup(group, staged, `${job.target}-${index}`, tools))
    } catch (error) {
      // The group being staged must end before its folder can go.
      const other = ahead && (await ahead)
      if (other && 'value' in other) other.value.discard()
      throw error
    } finally {
      staged.discard()
    }
  }
  return summarize(results, tools)
}

interface GroupResult {
  readonly converted: ConvertedParts
  readonly staged: Omit<StagedSlices, 'discard'>
}

type Settled<T> = { readonly value: T } | { readonly error: unknown }

/** A promise that never rejects, so that a read-ahead may fail while nobody looks. */
const settle = async <T>(promise: Promise<T>): Promise<Settled<T>> =>
  promise.then(
    value => ({ value }),
    (error: unknown) => ({ error }),
  )

function unwrap<T>(settled: Settled<T>): T {
  if ('error' in settled) throw settled.error
  return settled.value
}

/** Slices in their order, as many together as `groupBytes` allow, in groups of nearly equal bytes. */
function groupsOf(job: ShareJob): StageSource[] {
  if (job.staged) return [{ kind: 'staged', staged: job.staged }]
  const bytes = job.slices.reduce((sum, slice) => sum + slice.bytes, 0)
  const count = Math.max(1, Math.ceil(bytes / job.groupBytes))
  const groups: Slice[][] = [[]]
  let before = 0
  for (const slice of job.slices) {
    const number = Math.min(count - 1, Math.floor(((before + slice.bytes / 2) * count) / Math.max(1, bytes)))
    before += slice.bytes
    while (groups.length <= number) groups.push([])
    groups[number]?.push(slice)
  }
  return groups
    .filter(slices => slices.length > 0 || groups.length === 1)
    .map(slices => ({ kind: 'slices', slices, inputs: job.inputs }))
}

const stageGroup = (group: StageSource, tools: ShareTools): Promise<StagedSlices> =>
  tools.stage(group, { isLocated: tools.isAlwaysLocated })

/** Fast first. When something does not fit, or the engine saw other records than the text has, once more with every record located. */
async function convertGroup(
  group: StageSource,
  staged: StagedSlices,
  target: string,
  tools: ShareTools,
): Promise<GroupResult> {
  const fast = await tools.engine.convert({ files: staged.files, target, isCareful: false })
  if (fast.kind === 'parts' && fast.rowsRead === staged.recordsFound) return report({ converted: fast, staged }, tools)
  const located = await tools.stage(group, { isLocated: true })
  try {
    const converted = await tools.engine.convert({ files: located.files, target: `${target}-located`, isCareful: true })
    if (converted.kind !== 'parts') throw converted.cause
    checkGroup(converted, located)
    return report({ converted, staged: located }, tools)
  } finally {
    located.discard()
  }
}

function checkGroup(converted: ConvertedParts, staged: StagedSlices): void {
  const { rowsRead, rowsRejected } = converted
  if (rowsRead + rowsRejected === staged.recordsFound) return
  throw new PermanentError(
    'ACCOUNT_MISMATCH',
    `expected ${staged.recordsFound} records as in the text, got ${rowsRead} read and ${rowsRejected} rejected; the format's quote, escape or delimiter may be another`,
    {
      recordsFound: staged.recordsFound,
      rowsRead,
      rowsRejected,
      members: staged.members.slice(0, 3).map(({ archive, member }) => ({ archive, member })),
    },
  )
}

function report(result: GroupResult, tools: ShareTools): GroupResult {
  const { converted, staged } = result
  const { rowsWritten, rowsRejected } = converted
  tools.progress({ members: staged.members.length, bytes: staged.bytesInflated, rowsWritten, rowsRejected })
  return result
}

function summarize(results: readonly GroupResult[], tools: ShareTools): ShareResult {
  const sum = (of: (result: GroupResult) => number): number => results.reduce((total, result) => total + of(result), 0)
  const accounts = results.flatMap(accountsOf)
  return {
    parts: results.flatMap(({ converted }): readonly SharePart[] => converted.parts),
    rowsRead: sum(({ converted }) => converted.rowsRead),
    rowsWritten: sum(({ converted }) => converted.rowsWritten),
    rowsRejected: sum(({ converted }) => converted.rowsRejected),
    recordsFound: sum(({ staged }) => staged.recordsFound),
    members: sum(({ staged }) => staged.memberCount),
    membersSkipped: sum(({ staged }) => staged.membersSkipped),
    bytesIn: sum(({ staged }) => staged.bytesIn),
    bytesInflated: sum(({ staged }) => staged.bytesInflated),
    accounts,
    rejectFiles: results.flatMap(({ converted }) => converted.rejects?.file ?? []),
    firstRejects: results.flatMap(({ converted }): readonly Reject[] => converted.rejects?.first ?? []).slice(0, 10),
    ranges: results.flatMap(({ staged }): readonly RangeEnds[] => staged.ranges),
    schema: tools.engine.schema,
    worker: tools.worker,
  }
}

const accountsOf = ({ converted, staged }: GroupResult): MemberAccount[] =>
  staged.members.map(({ archive, member, records }, index) => ({
    archive,
    member,
    records,
    rejected: converted.rejectedByMember[index] ?? 0,
  }))
