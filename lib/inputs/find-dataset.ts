/** Finds the parts that another task of the pipeline, or another pipeline, has committed. */
import type { ParamValues, PartitionsOfSource, TaskDefinition } from '../define/definition.ts'
import { isSalted, outputKind } from '../define/outputs/output-kind.ts'
import { readsNode } from '../define/sources/source-paths.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import type { Manifest, ManifestPart } from '../model/outcome/manifest.ts'
import type { InputObject, PartSlice } from '../model/plan-data.ts'
import { sortInputs } from '../model/run/identity.ts'
import { outputPathOf } from '../model/run/output-path.ts'
import { resolveConditions } from '../model/run/resolve-task.ts'
import { partitionFolder } from '../paths/partition-path.ts'
import { renderPath } from '../paths/path-template.ts'
import { readState } from '../state/files.ts'
import { outputPrefix, readManifest, successKey } from '../state/state.ts'
import { type FindOptions, type FoundObjects, noMembers, type PartNeed } from './find-options.ts'
import { runIdentityOf, runKeyOf } from './identity/dataset-identity.ts'
import { pinParts } from './identity/part-etags.ts'
import { withParamColumns } from './param-columns.ts'
import { areRemoved, RowsRemoved } from './removed-rows.ts'
import { spread } from './slices/spread.ts'

/**
 * Each run of the manifest is an input, whose slices are its parts, pinned as the manifest has them: two requests, and nothing is
 * listed, unless the dataset is a copy. @throws NO_INPUT without a complete dataset
 */
export async function findDataset(
  source: PartitionsOfSource,
  { outputPath, params }: WrittenPlace,
  options: FindOptions & PartNeed,
): Promise<FoundObjects> {
  const { input, sample } = options
  const manifest = await readState(input, successKey(outputPath), readManifest)
  if (!manifest) throw notComplete(source, { outputPath, options })
  const shown = withParamColumns(manifest, source, params)
  const { schema } = shown
  const needed = await neededParts(shown, options)
  const { of } = source
  const isRemoved = of !== undefined && (await areRemoved(input, of, { outputPath, manifest }))
  const chosen = spread(needed, sample)
  const { parts, unreadable } = isRemoved
    ? { parts: chosen, unreadable: rowsRemoved(of.name, { outputPath, options }) }
    : await pinParts(input, outputPrefix(outputPath), { manifest, parts: chosen })
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const isTemporary = of !== undefined && outputKind(of.output).isTemporary
  return {
    inputs: sortInputs(inputsOf(manifest, { outputPath, isTemporary }).map(one => ({ ...one, columns: [...schema] }))),
    unreadable,
    cut: some => cutParts(some, parts, outputPath),
    dataset: schema,
    ...(schema === manifest.schema && joinable(manifest, parts, outputPath)),
    memberCount: parts.length,
    ...noMembers,
    partsSkipped: partsOf(manifest, options).length - needed.length,
    bytesIn: bytes,
    bytes,
  }
}

/** A dataset that is read, and the parameters under which it was written. */
export interface WrittenPlace {
  readonly outputPath: string
  readonly params: ParamValues
}

/**
 * Returns the datasets of all nodes of the task that are required, each once; without a graph, the one under the parameters of a run.
 * @throws NO_INPUT where the graph has no node to read
 */
export function writtenPlaces(
  source: PartitionsOfSource,
  options: Pick<FindOptions, 'params' | 'upstream' | 'isUndiscovered'> & {
    readonly task: Pick<TaskDefinition, 'name'>
  },
): readonly WrittenPlace[] {
  const { of, at, params } = source
  if (!of) return [{ outputPath: renderPath(at?.path ?? '', options.params), params: options.params }]
  const nodes = options.upstream?.filter(node => readsNode(source, node)) ?? []
  if (nodes.length === 0) {
    const isKnown = options.upstream !== undefined && (source.key !== undefined || !options.isUndiscovered)
    if (isKnown) throw noNode(options.task.name, source)
    return [placeWithoutGraph(of, options.params)]
  }
  const byPath = new Map(nodes.map(node => [node.outputPath, node]))
  if (params && byPath.size < new Set(nodes.map(({ node }) => node)).size) throw sharedPath(of.name)
  return [...byPath.values()]
}

type RequiredDataset = NonNullable<PartitionsOfSource['of']>

/** Returns the dataset under the parameters of the task that the other one has too. */
function placeWithoutGraph(of: RequiredDataset, params: ParamValues): WrittenPlace {
  if (isSalted(of.output)) {
    const message = `expected a requirement for the rows of task ${of.name}, whose path has a salt, got none: what discover returns is not known yet; run the task`
    throw new PermanentError('NO_INPUT', message, { upstream: of.name })
  }
  const names = Object.keys(of.params).filter(name => name in params)
  const own = Object.fromEntries(names.map(name => [name, params[name]])) as ParamValues
  return { outputPath: outputPathOf(of, own, undefined), params: own }
}

/** Returns the parts with rows, in the order of their keys; the first one where none has any. */
function partsOf({ parts }: Manifest, { keepsOne = true }: PartNeed): readonly ManifestPart[] {
  const filled = parts.filter(({ rows }) => rows > 0)
  return sortInputs(filled.length > 0 || !keepsOne ? filled : parts.slice(0, 1))
}

/** Leaves out parts whose partitions have no row for the conditions of the task. */
export async function neededParts(
  manifest: Manifest,
  options: FindOptions & PartNeed,
): Promise<readonly ManifestPart[]> {
  const { task, params, keepsOne = true } = options
  const parts = partsOf(manifest, options)
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
  return kept.length > 0 || !keepsOne ? kept : parts.slice(0, 1)
}

/** Names, sizes and order of parts do not count: the same rows written by another number of threads are the same input. */
function inputsOf(
  manifest: Manifest,
  { outputPath, isTemporary }: { readonly outputPath: string; readonly isTemporary: boolean | undefined },
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

/** Returns the parts for a join that reads them as they are; it reads nothing but their files, and so no columns of parameters. */
const joinable = (
  { bucketBy }: Manifest,
  parts: readonly ManifestPart[],
  outputPath: string,
): Pick<FoundObjects, 'bucketBy' | 'parts'> => ({
  bucketBy,
  parts: () => parts.map(part => ({ ...part, key: outputPrefix(outputPath) + part.key })),
})

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

function noNode(task: string, { of, key }: PartitionsOfSource): FanmillError {
  const where = key === undefined ? '' : ` under ${key}`
  const message = `task ${task}: expected at least one node of task ${of?.name}${where} in requires, got none; give each of its parameters a value`
  return new PermanentError('NO_INPUT', message, { task, upstream: of?.name })
}

function sharedPath(upstream: string): FanmillError {
  const message = `partitionsOf: params: expected a dataset for each node of task ${upstream}, got one that several nodes write, so that its rows have no values of params; leave params out`
  return new PermanentError('DEFINITION_INVALID', message, { upstream })
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
