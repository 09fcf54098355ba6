/** The table of the kinds of sources: how the inputs of each are found. */

import type { FilesSource, PartitionsOfSource, Source, ZipMembersSource } from '../define/definition.ts'
import { outputKind } from '../define/outputs/output-kind.ts'
import type { ActionSource } from '../define/tasks/action-definition.ts'
import type { TableManifest } from '../delta/table-manifest.ts'
import { PermanentError } from '../errors/errors.ts'
import { renderPath, templateGlob } from '../paths/path-template.ts'
import { mapParallel } from '../state/files.ts'
import { findMembers } from './archives/find-members.ts'
import { findAction } from './find-action.ts'
import { findDataset, type WrittenPlace, writtenPlaces } from './find-dataset.ts'
import { findFiles } from './find-files.ts'
import { findItems } from './find-items.ts'
import type { FindOptions, FindSource, FoundObjects, FoundSource, PartNeed } from './find-options.ts'
import { findPartitions } from './find-partitions.ts'
import { findTable } from './find-table.ts'
import { findJoin } from './joins/find-join.ts'
import { joinNodes } from './joins/join-nodes.ts'
import { matchingObjects } from './matching-objects.ts'
import { noFileError, noMemberError } from './no-input.ts'
import { withParamColumns } from './param-columns.ts'

const kinds: { readonly [K in Source['kind']]: FindSource<Extract<Source, { kind: K }>> } = {
  zipMembers: findZipMembers,
  files: findPlainFiles,
  rowsFrom: (source, options) =>
    orNothing(findPartitions(source, options), options, {
      nothing: 'expected partitions to read, got none; check what partitions() returns for these parameters',
    }),
  items: (source, options) =>
    orNothing(findItems(source, options), options, {
      nothing: 'expected values to map, got none; check what values() returns for these parameters',
    }),
  partitionsOf: (source, options) => {
    const upstream = source.of ? `task ${source.of.name}` : `the dataset ${source.at?.path ?? ''}`
    const nothing = `expected rows of ${upstream}, got a dataset without parts`
    return orNothing(findWritten(source, options), options, { nothing, upstream })
  },
  deltaTable: ({ path, version }, options) => {
    const nothing = `expected rows in the Delta table ${path}, got a version without files`
    const found = findTable({ path: renderPath(path, options.params), version }, options)
    return orNothing(found, options, { nothing, path })
  },
  joinOf: (source, options) => findJoin(source, options, findSource),
  // The slices of a later stage are planned by commit, from the outcomes of the stage before.
  exchange: async (_, { task: { name } }) => {
    throw new PermanentError('STATE_INVALID', `task ${name}: expected a source of the first stage, got an exchange`)
  },
  program: findOne,
  stateCall: findOne,
}

/** Finds the inputs of a source of any kind. @throws INPUT_*, ZIP_* */
export function findSource<K extends Source['kind']>(
  source: Extract<Source, { kind: K }>,
  options: FindOptions,
): Promise<FoundSource> {
  const find: FindSource<Extract<Source, { kind: K }>> = kinds[source.kind as K]
  return find(source, options)
}

/** Adds the error of a run that finds nothing. */
async function orNothing(
  finding: Promise<FoundObjects>,
  { task: { name } }: FindOptions,
  { nothing, ...detail }: { readonly nothing: string; readonly upstream?: string; readonly path?: string },
): Promise<FoundSource> {
  const message = `task ${name}: ${nothing}`
  return {
    found: await finding,
    noInputError: async () => new PermanentError('NO_INPUT', message, { task: name, ...detail }),
  }
}

async function findZipMembers(source: ZipMembersSource, options: FindOptions): Promise<FoundSource> {
  const glob = templateGlob(source.paths, options.params)
  const objects = await matchingObjects(options, glob)
  const found = await findMembers(source, objects, options)
  return {
    found,
    noInputError: () =>
      objects.length === 0
        ? noFileError(options, glob)
        : noMemberError(options, source, { glob, objects, skipped: found.skipped }),
  }
}

async function findPlainFiles(source: FilesSource, options: FindOptions): Promise<FoundSource> {
  const glob = templateGlob(source.paths, options.params)
  const objects = await matchingObjects(options, glob)
  return { found: await findFiles(objects, options), noInputError: () => noFileError(options, glob) }
}

function findOne(source: ActionSource, options: FindOptions): Promise<FoundSource> {
  return orNothing(findAction(source, options), options, { nothing: 'expected an action, got none' })
}

/** Datasets that are looked at together: conditions on partitions need an engine for each. */
const placesAtOnce = 4

/** Finds the rows of all nodes of the other task that are required. Of several, those without a needed row are not read. */
async function findWritten(source: PartitionsOfSource, options: FindOptions): Promise<FoundObjects> {
  const places = writtenPlaces(source, options)
  const find = (keepsOne: boolean) => (place: WrittenPlace) => findPlace(source, place, { ...options, keepsOne })
  const all = await mapParallel(places, find(places.length === 1), placesAtOnce)
  const isEmpty = all.every(({ memberCount }) => memberCount === 0)
  const [first] = places
  const kept = isEmpty && first ? [await find(true)(first), ...all.slice(1)] : all
  return joinNodes(options.task.name, kept, places)
}

/** Finds the rows of one dataset: in a Delta table also those that other programs wrote. */
function findPlace(
  source: PartitionsOfSource,
  place: WrittenPlace,
  options: FindOptions & PartNeed,
): Promise<FoundObjects> {
  const hasLog = source.of && outputKind(source.of.output).log !== undefined
  if (!hasLog) return findDataset(source, place, options)
  const show = (manifest: TableManifest): TableManifest => withParamColumns(manifest, source, place.params)
  return findTable({ path: place.outputPath, show }, options)
}
