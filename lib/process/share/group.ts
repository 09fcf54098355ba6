/** Converts one group of a share, and repeats it with every record located where something does not fit. */
import type { Converted, ConvertedParts, ConvertJob } from '../../engine/conversion.ts'
import type { TaskEngine } from '../../engine/task-engine.ts'
import { type FanmillError, PermanentError } from '../../errors/errors.ts'
import { isRowFault } from '../../errors/row-fault.ts'
import { areRepeatable } from '../../inputs/slices/plan-slices.ts'
import type { DoneCounts } from '../../model/events.ts'
import type { SkippedMember } from '../../model/outcome/skipped-member.ts'
import type { MemberAccount, ShareResult } from '../../model/share.ts'
import { sumFields } from '../../model/sum-fields.ts'
import type { StagedPart, StagedSlices, StageSource } from '../../stage/stage-slices.ts'

/** The parts of a thread that a share uses. */
export interface ShareTools {
  readonly engine: Pick<TaskEngine, 'schema' | 'isByMember' | 'convert' | 'findFault'>
  /** Reads and stages text; the caller discards the result. */
  stage(source: StageSource, options: StageOptions): Promise<StagedSlices>
  /** Stages in parts of about a group's bytes where more text comes out than was planned; each is discarded before the next. */
  stageInParts(source: StageSource, options: StageOptions): AsyncIterable<StagedPart>
  readonly worker: ShareResult['worker']
  /** Whether text is always staged located, because provenance columns are requested. */
  readonly isAlwaysLocated: boolean
  /** Writes the rows of a group by member, as Parquet. */
  writeAccounts(accounts: Iterable<MemberAccount>, target: string): Promise<void>
  /** Is called once for each skipped member, however often its group is read. */
  onSkip?(member: SkippedMember): void
  progress(done: DoneCounts): void
}

export interface StageOptions {
  readonly isLocated: boolean
  readonly isByMember: boolean
}

export interface GroupResult {
  readonly converted: ConvertedParts
  readonly staged: Omit<StagedSlices, 'discard' | 'checkUnchanged'>
}

async function stageGroup(
  group: StageSource,
  tools: ShareTools,
  { isLocated = tools.isAlwaysLocated, isByMember = tools.engine.isByMember }: Partial<StageOptions> = {},
): Promise<StagedSlices> {
  return tools.stage(group, { isLocated, isByMember })
}

/** Stages a group in parts, each with the source from which it can be staged again. */
export async function* groupParts(
  group: StageSource,
  tools: ShareTools,
): AsyncGenerator<{ readonly source: StageSource; readonly staged: StagedSlices; readonly isLast: boolean }> {
  const slice = group.kind === 'slices' ? (group.slices[0]?.slice ?? 0) : group.staged.slice
  const options = { isLocated: tools.isAlwaysLocated, isByMember: tools.engine.isByMember }
  let isFirst = true
  for await (const { staged, isLast, pieces } of tools.stageInParts(group, options)) {
    const isWhole = isFirst && isLast
    const again = { kind: 'staged', staged: { slice, files: staged.files } } as const
    // Parsed rows are no text that could be staged again, and the lines above a range are counted only when it is read.
    const mustReadAgain = isWhole || hasRanges(group) || staged.files.some(({ parsed }) => parsed)
    const part = isWhole ? group : { ...group, pieces }
    yield { source: canReadAgain(group) && mustReadAgain ? part : again, staged, isLast }
    isFirst = false
  }
}

/** Returns whether reading a group again gives the same text. */
const canReadAgain = (group: StageSource): boolean => group.kind === 'staged' || areRepeatable(group.slices)

const hasRanges = (group: StageSource): boolean =>
  group.kind === 'slices' && group.slices.some(({ kind }) => kind === 'range')

/** The rows of an exchange are of no record that could be found again. */
const isExchange = (group: StageSource): boolean =>
  group.kind === 'slices' && group.slices.some(({ kind }) => kind === 'exchange')

/**
 * Converts fast first. When something does not fit, or the engine read another number of records than the text has, converts again with
 * every record located. @throws TRANSFORM_FAILED, PARTITION_TOO_LONG with archive, member and line, when it fails again
 */
export async function convertGroup(
  group: StageSource,
  staged: StagedSlices,
  target: string,
  tools: ShareTools,
): Promise<GroupResult> {
  try {
    const fast = await convertFiles(staged, { target, isCareful: false }, tools).finally(() => staged.checkUnchanged())
    if (fast.kind === 'byMember') return await convertByMember(group, target, tools)
    if (fast.kind === 'parts' && fast.recordsFound !== undefined)
      return report({ converted: fast, staged: { ...staged, recordsFound: fast.recordsFound } }, tools)
    if (fast.kind === 'locate' || fast.rowsRead + fast.rowsRejected !== staged.recordsFound)
      return await convertCarefully(group, target, tools)
    return report({ converted: fast, staged }, tools)
  } catch (error) {
    if (!isRowFault(error) || 'line' in error.detail || isExchange(group)) throw error
    throw (await placeFault(group, `${target}-fault`, tools)) ?? error
  }
}

async function convertByMember(group: StageSource, target: string, tools: ShareTools): Promise<GroupResult> {
  const staged = await stageGroup(group, tools, { isByMember: true })
  try {
    return await convertGroup(group, staged, `${target}m`, tools)
  } finally {
    staged.discard()
  }
}

/** Runs at most twice: again when a map function uses its row's member only now. */
async function convertCarefully(group: StageSource, target: string, tools: ShareTools): Promise<GroupResult> {
  for (;;) {
    const staged = await stageGroup(group, tools, { isLocated: true })
    try {
      const converted = await convertFiles(staged, { target: `${target}-located`, isCareful: true }, tools)
      if (converted.kind === 'byMember') continue
      if (converted.kind === 'locate') throw converted.cause
      checkGroup(converted, staged)
      return report({ converted, staged }, tools)
    } finally {
      staged.discard()
    }
  }
}

type ConvertOptions = Pick<ConvertJob, 'target' | 'isCareful'>

/** Converts all files at once, or member by member when a map function uses its row's member. */
async function convertFiles(
  { files }: StagedSlices,
  { target, isCareful }: ConvertOptions,
  { engine }: ShareTools,
): Promise<Converted> {
  if (!engine.isByMember || files.length === 0) return engine.convert({ files, target, isCareful })
  const done: ConvertedParts[] = []
  for (const [index, file] of files.entries()) {
    const converted = await engine.convert({ files: [file], target: `${target}-${index}`, isCareful })
    if (converted.kind !== 'parts') return converted
    done.push(converted)
  }
  return joinConverted(done)
}

function joinConverted(all: readonly ConvertedParts[]): ConvertedParts {
  return {
    kind: 'parts',
    parts: all.flatMap(each => each.parts),
    ...sumFields(all, ['rowsRead', 'rowsWritten', 'rowsRejected']),
    rejectedByMember: Object.assign({}, ...all.map(each => each.rejectedByMember)),
    rejects: all.flatMap(each => each.rejects),
  }
}

/** Repeats the failure to find the record that it comes from. */
async function placeFault(group: StageSource, target: string, tools: ShareTools): Promise<FanmillError | undefined> {
  const staged = await stageGroup(group, tools, { isLocated: true, isByMember: true })
  try {
    for (const file of staged.files) {
      const fault = await tools.engine.findFault({ files: [file], target })
      if (fault) return fault
    }
    return undefined
  } finally {
    staged.discard()
  }
}

function checkGroup(converted: ConvertedParts, staged: StagedSlices): void {
  const { rowsRead, rowsRejected } = converted
  if (rowsRead + rowsRejected === staged.recordsFound) return
  throw new PermanentError(
    'ACCOUNT_MISMATCH',
    `expected ${staged.recordsFound} records as in the input, got ${rowsRead} read and ${rowsRejected} rejected; the format's quote, escape or delimiter may be another`,
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
  tools.progress({ members: staged.memberCount, bytes: staged.bytesInflated, rowsWritten, rowsRejected })
  return result
}
