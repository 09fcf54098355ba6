/** Finds the parts that another task of the pipeline, or another pipeline, has committed. */
import type { ParamValues, PartitionsOfSource } from '../define/definition.ts'
import { isSalted, outputKind } from '../define/output-kind.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import type { Manifest, ManifestPart } from '../model/manifest.ts'
import { outputPathOf } from '../model/output-path.ts'
import type { InputObject, PartSlice } from '../model/plan-data.ts'
import { resolveConditions } from '../model/resolve-task.ts'
import { sortInputs } from '../model/run-identity.ts'
import { partitionFolder } from '../paths/partition-path.ts'
import { renderPath } from '../paths/path-template.ts'
import { readState } from '../state/files.ts'
import { outputPrefix, readManifest, successKey } from '../state/state.ts'
import { runIdentityOf, runKeyOf } from './dataset-identity.ts'
import { type FindOptions, type FoundObjects, noMembers } from './find-options.ts'
import { pinParts } from './part-etags.ts'
import { areRemoved, RowsRemoved } from './removed-rows.ts'
import { spread } from './spread.ts'

/**
 * Each run of the manifest is an input, whose slices are its parts, pinned as the manifest has them: two requests, and nothing is
 * listed, unless the dataset is a copy. @throws NO_INPUT without a complete dataset
 */
export async function findDataset(
  source: PartitionsOfSource,
  outputPath: string,
  options: FindOptions,
): Promise<FoundObjects> {
  const { input, sample } = options
  const manifest = await readState(input, successKey(outputPath), readManifest)
  if (!manifest) throw notComplete(source, { outputPath, options })
  const needed = await neededParts(manifest, options)
  const { of } = source
  const isRemoved = of !== undefined && (await areRemoved(input, of, { outputPath, manifest }))
  const chosen = spread(needed, sample)
  const { parts, unreadable } = isRemoved
    ? { parts: chosen, unreadable: rowsRemoved(of.name, { outputPath, options }) }
    : await pinParts(input, outputPrefix(outputPath), { manifest, parts: chosen })
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const isTemporary = of !== undefined && outputKind(of.output).isTemporary
  return {
    inputs: sortInputs(inputsOf(manifest, { outputPath, isTemporary })),
    unreadable,
    cut: some => cutParts(some, parts, outputPath),
    dataset: manifest.schema,
    kept: manifest.bucketBy && {
      bucketBy: manifest.bucketBy,
      parts: parts.map(part => ({ ...part, key: outputPrefix(outputPath) + part.key })),
    },
    memberCount: parts.length,
    ...noMembers,
    partsSkipped: partsOf(manifest).length - needed.length,
    bytesIn: bytes,
    bytes,
  }
}

/** Returns the path of the dataset under the parameters of a run. */
export function upstreamPath(
  { of, at }: PartitionsOfSource,
  options: Pick<FindOptions, 'params' | 'upstream'>,
): string {
  return of ? writtenPath(of, options) : renderPath(at?.path ?? '', options.params)
}

/** Names what is read, for messages. */
export const upstreamName = ({ of, at }: PartitionsOfSource): string =>
  of ? `task ${of.name}` : `the dataset ${at?.path ?? ''}`

type RequiredDataset = NonNullable<PartitionsOfSource['of']>

/** Returns the path of the node that is read; without a graph under the parameters of the task that it has too. */
function writtenPath(of: RequiredDataset, { params, upstream }: Pick<FindOptions, 'params' | 'upstream'>): string {
  const [node, ...others] = upstream?.filter(({ task }) => task === of.name) ?? []
  if (others.length > 0) throw severalNodes(of.name, others.length + 1)
  if (node) return node.outputPath
  if (isSalted(of.output)) throw unknownPath(of.name)
  const names = Object.keys(of.params).filter(name => name in params)
  const own = Object.fromEntries(names.map(name => [name, params[name]])) as ParamValues
  return outputPathOf(of, own, undefined)
}

/** Returns the parts with rows, in the order of their keys; the first one where none has any. */
function partsOf({ parts }: Manifest): readonly ManifestPart[] {
  const filled = parts.filter(({ rows }) => rows > 0)
  return sortInputs(filled.length > 0 ? filled : parts.slice(0, 1))
}

/** Leaves out parts whose partitions have no row for the conditions of the task; one part stays, so that there is something to read. */
export async function neededParts(manifest: Manifest, options: FindOptions): Promise<readonly ManifestPart[]> {
  const { task, params } = options
  const parts = partsOf(manifest)
  const { source, where, transform = [] } = task
  const conditions = resolveConditions({ source, where, transform }, params)
  const isConverted = manifest.partitionBy.some(name => task.columns?.[name] !== undefined)
  if (conditions.length === 0 || manifest.partitionBy.length === 0 || isConverted) return parts
  const folderOf = ({ partition = {} }: ManifestPart): string => partitionFolder(partition)
  const byFolder = new Map(
    parts.filter(({ partition }) => partition).map(part => [folderOf(part), part.partition ?? {}]),
  )
  const query = { conditions, schema: manifest.schema, partitions: [...byFolder.values()] }
  const needed = (await options.neededPartitions?.(query)) ?? []
  const dropped = new Set([...byFolder.keys()].filter((_, at) => needed[at] === false))
  const kept = parts.filter(part => !dropped.has(folderOf(part)))
  return kept.length > 0 ? kept : parts.slice(0, 1)
}

/** Names, sizes and order of parts do not count: the same rows written by another number of threads are the same input. */
function inputsOf(
  manifest: Manifest,
  { outputPath, isTemporary = false }: { readonly outputPath: string; readonly isTemporary?: boolean | undefined },
): InputObject[] {
  const { schema, parts, runs } = manifest
  const present = new Set(parts.map(part => part.runId))
  return runs
    .filter(({ runId }) => present.has(runId))
    .map(run => {
      // Temporary rows that were removed and written again are the same input.
      const identity = isTemporary ? run.runId : runIdentityOf(run, parts)
      return { key: runKeyOf(outputPath, run.runId), sizeBytes: 0, etag: identity, identity, columns: [...schema] }
    })
}

function cutParts(
  chosen: readonly InputObject[],
  parts: readonly ManifestPart[],
  outputPath: string,
): readonly PartSlice[] {
  const prefix = outputPrefix(outputPath)
  const indexes = new Map(chosen.map(({ key }, index) => [key, index]))
  const slices: PartSlice[] = []
  for (const { key, bytes, etag, partition, runId } of parts) {
    const input = indexes.get(runKeyOf(outputPath, runId))
    if (input === undefined) continue
    const part = { key: prefix + key, sizeBytes: bytes, etag, partition }
    slices.push({ kind: 'part', slice: slices.length, input, part, bytes })
  }
  return slices
}

function rowsRemoved(
  upstream: string,
  { outputPath, options }: { readonly outputPath: string; readonly options: FindOptions },
): RowsRemoved {
  const { task } = options
  const message = `task ${task.name}: expected the rows of task ${upstream}, which were removed when every task that reads them was complete; run ${upstream} again with --force`
  return new RowsRemoved('NO_INPUT', message, { task: task.name, upstream, outputPath })
}

function unknownPath(upstream: string): FanmillError {
  const message = `expected a requirement for the rows of task ${upstream}, whose path has a salt, got none: what discover returns is not known yet; run the task`
  return new PermanentError('NO_INPUT', message, { upstream })
}

function severalNodes(upstream: string, count: number): FanmillError {
  const message = `expected one node of ${upstream} to read, got ${count}; read the others as inputs of a task each`
  return new PermanentError('DEFINITION_INVALID', message, { upstream, count })
}

function notComplete(
  source: PartitionsOfSource,
  { outputPath, options }: { readonly outputPath: string; readonly options: FindOptions },
): FanmillError {
  const { task, input } = options
  const advice = source.of
    ? `run ${source.of.name} first`
    : 'run the pipeline that writes it first, or check path and root'
  const what = source.of ? `the dataset of task ${source.of.name}` : 'a dataset'
  const message = `task ${task.name}: expected ${what} at ${input.url}/${outputPath}, got no _SUCCESS; ${advice}`
  return new PermanentError('NO_INPUT', message, { task: task.name, upstream: source.of?.name, outputPath })
}
