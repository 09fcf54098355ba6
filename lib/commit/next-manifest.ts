/** Derives the next manifest of a dataset from the previous one and from the outcomes of a run. */
import type { OutputMode } from '../define/outputs/output-definition.ts'
import {
  addTotals,
  formatVersion,
  type Manifest,
  type ManifestFile,
  type ManifestPart,
  type ManifestRun,
} from '../model/outcome/manifest.ts'
import type { Outcome } from '../model/outcome/outcome.ts'
import { canonicalJson } from '../model/run/identity.ts'
import { joinedSchema, keptParts } from '../model/schema-fit.ts'
import type { Partition } from '../paths/partition-path.ts'
import type { CommitOptions } from './commit-options.ts'

export interface NextManifest extends Pick<CommitOptions, 'partitionBy' | 'bucketBy' | 'order'> {
  readonly mode: OutputMode
  readonly generation: number
  /** Default true. */
  readonly hasRowsInParts?: boolean
  /** Keeps a part without rows where no part has any, for the columns. Default true. */
  readonly hasEmptyPart?: boolean
  readonly log?: Manifest['log']
  readonly run: ManifestRun
  readonly outcomes: readonly Outcome[]
  /** Length of the dataset's prefix in the outcomes' keys. */
  readonly prefixLength: number
  /** Runs whose place this one takes, besides its own earlier attempts. */
  readonly replaces: readonly string[]
}

/** `before` is what still exists of the dataset; etags of new parts are empty. */
export function nextManifest(before: Manifest | undefined, what: NextManifest): Manifest {
  const { run, outcomes, generation, partitionBy, bucketBy, order, log } = what
  const { hasRowsInParts = true, hasEmptyPart = true } = what
  const added = outcomes.flatMap(outcome => partsOf(outcome, what))
  const kept = partsBeside(before, added, what)
  const parts = visibleParts([...kept, ...added], hasEmptyPart)
  const files = nextFiles(before, what)
  const runs = [...keptRuns(before, parts, files ?? [], what), withPartsOf(run, parts, files ?? [])]
  const totals = addTotals(runs.map(one => one.totals))
  return {
    fanmill: formatVersion,
    generation,
    task: run.task,
    runs,
    ...schemaOf(kept.some(part => part.rows > 0) ? before : undefined, what, before),
    ...{ partitionBy, bucketBy, order, log, parts, files },
    totals: {
      ...totals,
      // Counted over the present parts, because a later run may have replaced some.
      rows: hasRowsInParts ? sum(parts.map(part => part.rows)) : totals.rows,
      bytes: sum(parts.map(part => part.bytes)) + sum((files ?? []).map(file => file.sizeBytes)),
      parts: parts.length,
    },
  }
}

/** Returns the columns of all parts. `beside` is the previous manifest, where rows of it stay. */
function schemaOf(
  beside: Manifest | undefined,
  { outcomes }: NextManifest,
  before: Manifest | undefined,
): Pick<Manifest, 'schema' | 'addedColumns'> {
  const own = outcomes.find(outcome => outcome.schema.length > 0)?.schema
  if (!own || !beside) return { schema: own ?? before?.schema ?? [] }
  const schema = joinedSchema(beside.schema, own)
  const added = schema.slice(beside.schema.length).map(column => column.name)
  const all = [...(beside.addedColumns ?? []), ...added]
  return { schema, addedColumns: all.length > 0 ? all : undefined }
}

/** Returns the keys of parts and files, relative to the dataset. */
export const keysOf = ({ parts, files = [] }: Pick<Manifest, 'parts' | 'files'> = { parts: [] }): string[] => [
  ...parts.map(part => part.key),
  ...files.map(file => file.path),
]

/** Returns keys, relative to the dataset, that the next manifest no longer holds. */
export function keysToRemove(before: Manifest | undefined, next: Manifest): string[] {
  const kept = new Set(keysOf(next))
  return keysOf(before).filter(key => !kept.has(key))
}

/** Counts the parts of a run that become visible. */
function withPartsOf(run: ManifestRun, parts: readonly ManifestPart[], files: readonly ManifestFile[]): ManifestRun {
  const own = parts.filter(part => part.runId === run.runId)
  const fileBytes = sum(files.filter(file => file.runId === run.runId).map(file => file.sizeBytes))
  const bytes = sum(own.map(part => part.bytes)) + fileBytes
  return { ...run, totals: { ...run.totals, parts: own.length, bytes } }
}

/**
 * Leaves out parts without rows, which only carry the schema and disturb readers of a partitioned dataset, because they are in no
 * partition. Where no part has rows, the last one is kept with `hasEmptyPart`.
 */
function visibleParts(parts: readonly ManifestPart[], hasEmptyPart: boolean): readonly ManifestPart[] {
  const withRows = parts.filter(part => part.rows > 0)
  return withRows.length > 0 || !hasEmptyPart ? withRows : parts.slice(-1)
}

function partsOf(outcome: Outcome, { run, prefixLength }: NextManifest): ManifestPart[] {
  return outcome.parts.map(({ key, rows, sizeBytes, partition, bucket }) => ({
    key: key.slice(prefixLength),
    rows,
    bytes: sizeBytes,
    etag: '',
    runId: run.runId,
    partition,
    bucket,
  }))
}

/** Returns the parts that stay, now that the partitions of the run are known. */
function partsBeside(
  before: Manifest | undefined,
  added: readonly ManifestPart[],
  { mode, run, replaces }: NextManifest,
): ManifestPart[] {
  const keys = new Set(added.map(part => part.key))
  const others = keptParts(before, { mode, runId: run.runId, replaces }).filter(part => !keys.has(part.key))
  if (mode === 'append') return others
  const partitions = new Set(added.map(part => partitionText(part.partition)))
  return others.filter(part => !partitions.has(partitionText(part.partition)))
}

function nextFiles(before: Manifest | undefined, what: NextManifest): ManifestFile[] | undefined {
  const { mode, run, outcomes, replaces } = what
  if (!before?.files && outcomes.every(outcome => outcome.files === undefined)) return undefined
  const added = outcomes.flatMap(outcome =>
    (outcome.files ?? []).map(({ path, sizeBytes, crc32 }) => ({ path, sizeBytes, crc32, runId: run.runId })),
  )
  if (mode === 'replace' || mode === 'fail') return added
  const paths = new Set(added.map(file => file.path))
  const isKept = (file: ManifestFile) =>
    file.runId !== run.runId && !replaces.includes(file.runId) && !paths.has(file.path)
  return [...(before?.files ?? []).filter(isKept), ...added]
}

/** Keeps runs that still have a part or file, or never had one; a run that lost a part to another is marked. */
function keptRuns(
  before: Manifest | undefined,
  parts: readonly ManifestPart[],
  files: readonly ManifestFile[],
  { mode, run, replaces }: NextManifest,
): ManifestRun[] {
  if (!before || mode === 'replace' || mode === 'fail') return []
  const count = (runId: string, items: readonly { readonly runId: string; readonly rows?: number }[]) =>
    items.filter(item => item.runId === runId && item.rows !== 0).length
  return before.runs
    .filter(one => one.runId !== run.runId && !replaces.includes(one.runId))
    .flatMap(one => {
      const had = count(one.runId, [...before.parts, ...(before.files ?? [])])
      const has = count(one.runId, [...parts, ...files])
      if (has === had) return [one]
      return has === 0 ? [] : [{ ...one, isReplaced: true }]
    })
}

function partitionText(partition: Partition | undefined): string {
  return canonicalJson(partition ?? {})
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
