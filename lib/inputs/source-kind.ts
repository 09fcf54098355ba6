/** The table of the kinds of sources: how the inputs of each are found. */
import type { ActionSource } from '../define/action-definition.ts'
import type {
  DeltaTableSource,
  FilesSource,
  ItemsSource,
  PartitionsOfSource,
  RowsFromSource,
  Source,
  ZipMembersSource,
} from '../define/definition.ts'
import { outputKind } from '../define/output-kind.ts'
import type { TableManifest } from '../delta/table-manifest.ts'
import { PermanentError } from '../errors/errors.ts'
import { renderPath, templateGlob } from '../paths/path-template.ts'
import { mapParallel } from '../state/files.ts'
import { findAction } from './find-action.ts'
import { findDataset, upstreamName, type WrittenPlace, writtenPlaces } from './find-dataset.ts'
import { findFiles } from './find-files.ts'
import { findItems } from './find-items.ts'
import { findJoin } from './find-join.ts'
import { findMembers } from './find-members.ts'
import type { FindOptions, FoundObjects, PartNeed } from './find-options.ts'
import { findPartitions } from './find-partitions.ts'
import { findTable } from './find-table.ts'
import type { FoundSource, SourceKind } from './found-source.ts'
import { joinNodes } from './join-nodes.ts'
import { matchingObjects } from './matching-objects.ts'
import { noFileError, noMemberError } from './no-input.ts'
import { withParamColumns } from './param-columns.ts'

const kinds: { readonly [K in Source['kind']]: (source: Extract<Source, { kind: K }>) => SourceKind } = {
  zipMembers: source => ({ find: options => findZipMembers(source, options) }),
  files: source => ({ find: options => findPlainFiles(source, options) }),
  rowsFrom: source => ({ find: options => findRows(source, options) }),
  items: source => ({ find: options => findValues(source, options) }),
  partitionsOf: source => ({ find: options => findUpstream(source, options) }),
  deltaTable: source => ({ find: options => findVersion(source, options) }),
  joinOf: source => ({ find: options => findJoin(source, options, side => sourceKind(side)) }),
  exchange: () => ({ find: refuseExchange }),
  program: source => ({ find: options => findOne(source, options) }),
  stateCall: source => ({ find: options => findOne(source, options) }),
}

/** Returns what a source can do. */
export function sourceKind<K extends Source['kind']>(source: Extract<Source, { kind: K }>): SourceKind {
  const kind: (source: Extract<Source, { kind: K }>) => SourceKind = kinds[source.kind as K]
  return kind(source)
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

async function findRows(source: RowsFromSource, options: FindOptions): Promise<FoundSource> {
  const { name } = options.task
  const message = `task ${name}: expected partitions to read, got none; check what partitions() returns for these parameters`
  return {
    found: await findPartitions(source, options),
    noInputError: async () => new PermanentError('NO_INPUT', message, { task: name }),
  }
}

async function findValues(source: ItemsSource, options: FindOptions): Promise<FoundSource> {
  const { name } = options.task
  const message = `task ${name}: expected values to map, got none; check what values() returns for these parameters`
  return {
    found: await findItems(source, options),
    noInputError: async () => new PermanentError('NO_INPUT', message, { task: name }),
  }
}

async function findOne(source: ActionSource, options: FindOptions): Promise<FoundSource> {
  return { found: await findAction(source, options), noInputError: refuseNothing }
}

/** There is always one action. */
const refuseNothing = async (): Promise<never> => {
  throw new PermanentError('STATE_INVALID', 'expected an action, got none')
}

/** The slices of a later stage are planned by commit, from the outcomes of the stage before. */
async function refuseExchange({ task }: FindOptions): Promise<never> {
  throw new PermanentError('STATE_INVALID', `task ${task.name}: expected a source of the first stage, got an exchange`)
}

async function findVersion(source: DeltaTableSource, options: FindOptions): Promise<FoundSource> {
  const { name } = options.task
  const message = `task ${name}: expected rows in the Delta table ${source.path}, got a version without files`
  return {
    found: await findTable({ path: renderPath(source.path, options.params), version: source.version }, options),
    noInputError: async () => new PermanentError('NO_INPUT', message, { task: name, path: source.path }),
  }
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

async function findUpstream(source: PartitionsOfSource, options: FindOptions): Promise<FoundSource> {
  const { name } = options.task
  const upstream = upstreamName(source)
  const message = `task ${name}: expected rows of ${upstream}, got a dataset without parts`
  return {
    found: await findWritten(source, options),
    noInputError: async () => new PermanentError('NO_INPUT', message, { task: name, upstream }),
  }
}
