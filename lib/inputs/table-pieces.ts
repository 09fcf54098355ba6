/** Finds the files of a broadcast table: one file, those that a glob matches, members of an archive, or the parts of a task's dataset. */
import { archiveKind } from '../archive/archive-kind.ts'
import type { ParamValues, PartitionsOfSource, TableDefinition, ZipMembersSource } from '../define/definition.ts'
import { zipLimits } from '../define/sources/source.ts'
import { hasGlob } from '../define/template-syntax.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearest, nearestHint } from '../errors/nearest.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import type { InputObject, Slice } from '../model/plan-data.ts'
import { sortInputs } from '../model/run/identity.ts'
import type { Partition } from '../paths/partition-path.ts'
import { renderPath, templateGlob } from '../paths/path-template.ts'
import type { Store, StoredObject } from '../store/store.ts'
import { candidateKeys } from './candidate-keys.ts'
import type { FindOptions, FoundObjects } from './find-options.ts'
import { listMatching } from './matching-objects.ts'
import { findSource } from './source-kind.ts'

export interface TableStores extends Pick<FindOptions, 'input' | 'upstream' | 'isUndiscovered' | 'checkpoints'> {
  /** Holds the datasets of tasks. */
  readonly output: Store
}

export interface TablePiece {
  /** Its key, or the name of the member. */
  readonly key: string
  readonly sizeBytes: number
  /** Set for a part of a dataset: its values of `partitionBy`. */
  readonly partition?: Partition | undefined
  read(): Promise<Uint8Array>
  stream(): AsyncIterable<Uint8Array>
}

export interface FoundTable {
  /** Its place, for messages. */
  readonly key: string
  readonly sizeBytes: number
  readonly pieces: readonly TablePiece[]
  /** Identifies the rows; absent where the contents do. */
  readonly identity?: string
  /** The columns of a task's dataset, those of `partitionBy` included. */
  readonly dataset?: readonly SchemaColumn[] | undefined
}

/** A table in a task, under the parameters of a run. */
export interface TablePlace {
  readonly task: string
  readonly name: string
  readonly table: TableDefinition
  readonly params: ParamValues
}

/** @throws NO_INPUT when a table is missing, TABLE_TOO_LARGE */
export async function findTable(stores: TableStores, place: TablePlace): Promise<FoundTable> {
  const found = await findPieces(stores, place)
  const { bytesMax } = place.table
  if (found.sizeBytes > bytesMax) throw tooLarge(found, place)
  return found
}

function findPieces(stores: TableStores, place: TablePlace): Promise<FoundTable> {
  const { table } = place
  if (table.of) return findRows(stores, place, table.of)
  if (table.member !== undefined) return findMembers(stores, place, table.member)
  return hasGlob(table.path) ? findFiles(stores, place, table.path) : findFile(stores, place, table.path)
}

async function findFile({ input }: TableStores, place: TablePlace, path: string): Promise<FoundTable> {
  const key = renderPath(path, place.params)
  const found = await input.stat(key)
  if (!found) throw await missing(input, place, key)
  return { key, sizeBytes: found.sizeBytes, pieces: [pieceOf(input, found)] }
}

async function findFiles({ input }: TableStores, place: TablePlace, path: string): Promise<FoundTable> {
  const glob = templateGlob(path, place.params)
  const found = await Array.fromAsync(listMatching(input, glob))
  if (found.length === 0) throw await missing(input, place, glob)
  return { key: glob, ...sized(sortInputs(found).map(object => pieceOf(input, object))) }
}

async function findMembers(stores: TableStores, place: TablePlace, member: string): Promise<FoundTable> {
  const { input } = stores
  const { table, params, name } = place
  const key = renderPath(table.path ?? '', params)
  const source: ZipMembersSource = {
    ...{ kind: 'zipMembers', paths: table.path ?? '', members: member, onBadMember: 'fail', limits: zipLimits },
    ...{ format: table.format, hive: false },
  }
  // Members are identified by their content, so the archive needs no identity of its own.
  const identify = async ({ etag }: StoredObject): Promise<string> => etag
  const { found, noInputError } = await findSource(source, { input, params, task: taskOf(place, source), identify })
  if (found.memberCount === 0) throw await noInputError()
  if (found.bytes > table.bytesMax) throw tooLarge({ key: `${key}: ${member}`, sizeBytes: found.bytes }, place)
  const { inputs } = found
  const pieces: TablePiece[] = []
  for (const slice of found.cut(inputs))
    for (const piece of await membersIn(input, { inputs, slice, table: name })) pieces.push(piece)
  return { key: `${key}: ${member}`, ...sized(pieces) }
}

async function membersIn(
  input: Store,
  { inputs, slice, table }: { readonly inputs: readonly InputObject[]; readonly slice: Slice; readonly table: string },
): Promise<readonly TablePiece[]> {
  const object = inputs[slice.input]
  // Only a member of hundreds of megabytes is a stream.
  if (!object || slice.kind !== 'members')
    throw new PermanentError('TABLE_TOO_LARGE', `table ${table}: expected a small member, got ${slice.bytes} bytes`)
  const pieces: TablePiece[] = []
  for await (const { member, bytes } of archiveKind(object.key).readMembers(input, object, slice, {
    limits: zipLimits,
  })) {
    const copy = Uint8Array.from(bytes)
    const stream = async function* () {
      yield copy
    }
    pieces.push({ key: member.name, sizeBytes: copy.length, read: async () => copy, stream })
  }
  return pieces
}

/** Finds the parts of all nodes of a task that are required: usually one. */
async function findRows(
  stores: TableStores,
  place: TablePlace,
  of: NonNullable<TableDefinition['of']>,
): Promise<FoundTable> {
  const source: PartitionsOfSource = { kind: 'partitionsOf', of, format: { kind: 'parquet' }, hive: false }
  const nodes = stores.upstream?.filter(({ task }) => task === of.name) ?? []
  const places = nodes.length > 0 ? nodes.map(node => [node]) : [stores.upstream]
  const all: FoundObjects[] = []
  for (const upstream of places) {
    const { output: input, checkpoints, isUndiscovered } = stores
    const given = { input, params: place.params, task: taskOf(place, source), upstream, isUndiscovered, checkpoints }
    const { found } = await findSource(source, given)
    if (found.unreadable) throw found.unreadable
    all.push(found)
  }
  const pieces = all.flatMap(found => found.cut(found.inputs).flatMap(slice => partPiece(stores.output, slice)))
  const identity = all.flatMap(({ inputs }) => inputs.map(({ key, identity }) => `${key} ${identity}`))
  return { key: `the rows of ${of.name}`, ...sized(pieces), identity: identity.join('\n'), dataset: all[0]?.dataset }
}

function partPiece(output: Store, slice: Slice): TablePiece[] {
  // A table without rows has no file.
  if (slice.kind !== 'part' || slice.part.sizeBytes === 0) return []
  const { partition, ...object } = slice.part
  return [{ ...pieceOf(output, object), partition }]
}

function pieceOf(store: Store, { key, sizeBytes, etag }: Pick<StoredObject, 'key' | 'sizeBytes' | 'etag'>): TablePiece {
  return { key, sizeBytes, read: () => store.read(key, { etag }), stream: () => store.stream(key, { etag }) }
}

const taskOf = ({ task }: TablePlace, source: ZipMembersSource | PartitionsOfSource) =>
  ({ name: task, source, params: {}, onEmpty: 'fail' }) as const

const sized = (pieces: readonly TablePiece[]): Pick<FoundTable, 'pieces' | 'sizeBytes'> => ({
  pieces,
  sizeBytes: pieces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
})

function tooLarge({ key, sizeBytes }: Pick<FoundTable, 'key' | 'sizeBytes'>, { task, name, table }: TablePlace) {
  const { bytesMax } = table
  const message = `task ${task}: table ${name}: expected at most ${bytesMax} bytes, got ${sizeBytes} in ${key}; every worker holds the whole table: leave out what is not needed, or raise its bytesMax`
  return new PermanentError('TABLE_TOO_LARGE', message, { task, table: name, key, sizeBytes, bytesMax })
}

async function missing(input: Store, { task, name }: TablePlace, key: string): Promise<PermanentError> {
  const close = nearest(key, await candidateKeys(input))
  const message = `task ${task}: table ${name}: expected ${key} under ${input.url}, got nothing${nearestHint(close)}`
  return new PermanentError('NO_INPUT', message, { name, key, nearest: close })
}
