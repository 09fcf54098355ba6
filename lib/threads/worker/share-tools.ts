/** Composes the tools for a share from the state of its thread. */

import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { namesInFile } from '../../define/columns/file-names.ts'
import { needsPlaces } from '../../define/columns/provenance.ts'
import type { Columns, ItemsSource, TaskDefinition } from '../../define/definition.ts'
import { isText } from '../../define/formats/format-kind.ts'
import type { JsonValue } from '../../define/json-value.ts'
import { memberPolicy } from '../../define/sources/member-policy.ts'
import { parsingOf } from '../../engine/read/text/parsed-rows.ts'
import type { TaskEngine } from '../../engine/task-engine.ts'
import { writeAccounts } from '../../engine/write/write-accounts.ts'
import { throwIfAborted } from '../../errors/abort.ts'
import { PermanentError } from '../../errors/errors.ts'
import { type SkippedMember, skippedLine } from '../../model/outcome/skipped-member.ts'
import type { SideColumns } from '../../model/plan-data.ts'
import type { MemberAccount, ShareJob } from '../../model/share.ts'
import { hiveColumns } from '../../paths/hive-columns.ts'
import type { StageOptions } from '../../process/share/share.ts'
import { callItems } from '../../stage/item-calls.ts'
import { type StageSource, stageInParts, stageSlices, wantedRanges } from '../../stage/stage-slices.ts'
import type { StagedFile } from '../../stage/staged-file.ts'
import type { SliceStageOptions } from '../../stage/staging.ts'
import { readAhead } from '../../store/read-ahead.ts'
import { bucketFault } from './bucket-fault.ts'
import { createThreadProgress, type ThreadProgress } from './progress.ts'
import { syncEarly } from './sync-early.ts'
import { checkedEngine, type ThreadState } from './thread-state.ts'

/** Returns the columns of the dataset that a job reads; undefined for other inputs. */
const datasetOf = ({ inputs }: ShareJob) => Object.values(inputs).find(({ columns }) => columns)?.columns

/** Returns the columns in the paths of a job's inputs; undefined when it has no inputs. */
function pathColumns({ source, columns = {} }: TaskDefinition, { inputs, staged }: ShareJob) {
  const files = staged?.files as readonly StagedFile[] | undefined
  const archives = files?.flatMap(({ members }) => members.map(({ archive }) => archive))
  const keys = archives ?? Object.values(inputs).map(({ key }) => key)
  if (keys.length === 0) return undefined
  return source.hive === false ? [] : hiveColumns(keys, Object.keys(columns))
}

/** Returns which columns of Parquet files are read: those of the dataset or the declared ones, else those that the steps use. */
function neededColumns(
  { columns, onNewColumn }: TaskDefinition,
  engine: TaskEngine,
  sides: SideColumns | undefined,
): NonNullable<SliceStageOptions['neededColumns']> {
  if (sides) return async ({ side = 0 }) => new Set(sides[side]?.map(({ name }) => name))
  if (columns && onNewColumn === 'keep') return async () => undefined
  const known = engine.datasetColumns ?? namesRead(columns)
  const names = known && new Set(known)
  return names ? async () => names : file => engine.usedColumns(file)
}

/** Returns all names that the declared columns may have in a file. */
const namesRead = (columns: Columns | undefined): readonly string[] | undefined =>
  columns && Object.entries(columns).flatMap(([name, column]) => namesInFile(name, column))

const onlyFirst: TaskEngine['rowGroups'] = async ({ rowGroups }) => rowGroups.map((_, at) => at === 0)

/** Returns the same engine with the partition limits of a share; its conversions are reported to the log and the progress. */
function engineForShare(
  engine: TaskEngine,
  { partitionLimits, buckets, keyTypes, slices }: ShareJob,
  { log, progress, signal, setup: { syncsParts } }: ThreadState & { readonly progress: ThreadProgress },
): TaskEngine {
  const convert: TaskEngine['convert'] = async job => {
    throwIfAborted(signal)
    log.beginConversion(job.files)
    const sides = sidesOf(slices)
    const write = () => engine.convert({ ...job, partitionLimits, buckets, keyTypes, sides })
    return progress
      .during(job, () => (syncsParts ? syncEarly(job.target, write) : write()))
      .catch(async (error: unknown) => {
        const exchanged = slices.filter(slice => slice.kind === 'exchange').filter(({ whole }) => whole === undefined)
        throw exchanged.length > 0 ? await bucketFault(error, exchanged, { engine, job }) : error
      })
  }
  const findFault: TaskEngine['findFault'] = job => engine.findFault({ ...job, partitionLimits })
  return Object.create(engine, { convert: { value: convert }, findFault: { value: findFault } }) as TaskEngine
}

/** Returns the columns of both sides, for a share of a join. */
const sidesOf = (slices: ShareJob['slices']): SideColumns | undefined =>
  slices.find(slice => slice.kind === 'exchange')?.sides

/** Returns the user's function of a source that yields rows, with the context of this thread. */
function rowsFunction({ task: { source }, context }: ThreadState) {
  if (source.kind !== 'rowsFrom') return undefined
  return (partition: JsonValue) => source.rows(partition as never, context as never)
}

/** Starts to map the values of a share, for a source that maps a function over values. */
function itemCalls({ task, setup: { loadCopy }, context, signal }: ThreadState, { slices, inputs }: ShareJob) {
  const { source } = task
  if (source.kind !== 'items') return undefined
  const { concurrency, retries } = source
  return callItems(
    slices.filter(slice => slice.kind === 'item'),
    { mapOf, inputs, concurrency, retries, signal },
  )

  async function mapOf(lane: number) {
    const copy = lane === 0 || !loadCopy ? task : await loadCopy(lane)
    const { map } = copy.source as ItemsSource
    return (value: JsonValue) => (map ? map(value as never, context as never) : value)
  }
}

export async function shareTools(thread: ThreadState, job: ShareJob) {
  const { task, setup, stageFolder, spares, send, signal } = thread
  const format = task.source.format
  const { onBadMember, limits } = memberPolicy(task.source)
  if (!format) throw new PermanentError('DEFINITION_INVALID', `task ${task.name}: a format is needed to read rows`)
  const inPath = pathColumns(task, job)
  const engine = await checkedEngine(thread, {
    hive: inPath,
    dataset: task.source.kind === 'exchange' ? undefined : datasetOf(job),
  })
  // Reads ahead over all groups of the share: the first slices of the next group arrive while one is converted.
  const store = readAhead(thread.store, wantedRanges(job, thread.store), { readsMax: setup.readsMax ?? 1, signal })
  const items = itemCalls(thread, job)
  const staging = {
    store,
    folder: stageFolder,
    spares,
    format,
    columns: task.columns ?? {},
    onNewColumn: task.onNewColumn,
    onMissingColumn: task.onMissingColumn,
    onBadMember,
    limits,
    stageBytesMax: setup.stageBytesMax,
    readsHive: task.source.hive !== false,
    parsing: parsingOf(format, {
      columns: task.columns ?? {},
      strict: setup.strict ?? task.strict,
      keepNew: task.onNewColumn === 'keep',
    }),
    neededColumns: neededColumns(task, engine, await engine.usedSides(sidesOf(job.slices))),
    rowGroups: setup.firstRowGroup ? onlyFirst : engine.rowGroups,
    rowsOf: rowsFunction(thread),
    itemText: items?.next,
    signal,
    onInflated: (bytes: number) => progress.staged(bytes),
  }
  thread.progress ??= createThreadProgress({ send, engineProgress: () => engine.progress() })
  const progress = thread.progress
  /** Set once a part of a group was staged again, for which its slices are read from their beginning. */
  let keepsText = false
  const parts = { partBytes: job.groupBytes, keepsText: () => keepsText }
  return {
    engine: engineForShare(engine, job, { ...thread, progress }),
    async stage(source: StageSource, options: StageOptions) {
      progress.beginGroup()
      keepsText ||= source.kind === 'slices' && source.pieces !== undefined
      const staged = await stageSlices(source, { ...staging, ...options })
      progress.endStaging(staged)
      return staged
    },
    async *stageInParts(source: StageSource, options: StageOptions) {
      progress.beginGroup()
      for await (const part of stageInParts(source, { ...staging, ...options, ...parts })) {
        progress.endStaging(part.staged)
        yield part
      }
    },
    worker: { pid: process.pid, thread: threadId },
    // The position of a row of Parquet is known without.
    isAlwaysLocated: isText(format) && (needsPlaces(task.provenance) || (inPath ?? []).length > 0),
    writeAccounts: (accounts: Iterable<MemberAccount>, target: string) =>
      writeAccounts(thread.engine, accounts, { staged: join(stageFolder, 'accounts.jsonl'), target }),
    onSkip: (member: SkippedMember) => send({ kind: 'log', ...skippedLine(member) }),
    progress: progress.done,
    /** Waits for the user's calls that are in flight. */
    end: async () => items?.end(),
  }
}
