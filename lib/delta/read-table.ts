/** Reads a table's log: the last checkpoint, then the versions after it. */
import * as v from 'valibot'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import type { CheckpointFiles } from '../model/checkpoint-files.ts'
import { count } from '../model/json-schema.ts'
import { mapParallel, readIfThere } from '../state/files.ts'
import type { Store } from '../store/store.ts'
import { type Action, invalidLog, readAction, readActions } from './actions.ts'
import {
  type CheckpointName,
  checkpointNames,
  findCheckpoints,
  lastCheckpointName,
  logFolder,
  v2CheckpointVersion,
  versionName,
  versionOf,
} from './log-names.ts'
import { type Snapshot, SnapshotBuilder } from './snapshot.ts'

export interface DeltaTable {
  readonly store: Pick<Store, 'url' | 'read' | 'list' | 'create' | 'write'>
  /** Prefix of the table's keys: empty, or ending in a slash. */
  readonly prefix: string
  /** Reads and writes the Parquet files of checkpoints. */
  readonly checkpoints: CheckpointFiles
}

/** Returns the address of a table, for messages. */
export const tableName = ({ store, prefix }: Pick<DeltaTable, 'store' | 'prefix'>): string =>
  prefix === '' ? store.url : `${store.url.replace(/\/$/, '')}/${prefix.slice(0, -1)}`

/** Versions read at the same time. It grows from two, because most logs have few versions after their checkpoint, and a gap shows by the second. */
const readsMax = 16

/**
 * Reads the newest version, or version `version`; undefined where there is no table. A checkpoint is one request a file, and each
 * version after it is one; nothing is listed as long as `_last_checkpoint` is there and the log is whole.
 * @throws DELTA_INVALID for a log with a gap or a damaged file; DELTA_UNSUPPORTED for a checkpoint in the newer form; DATASET_MISSING
 * for a version that the log does not have
 */
export async function readTable(table: DeltaTable, version?: number): Promise<Snapshot | undefined> {
  const last = await readLastCheckpoint(table)
  const isUsable = last && (version === undefined || last.version <= version)
  const read = (isUsable && (await readFrom(table, last, version))) || (await readListed(table, version))
  if (!read) return undefined
  if (version === undefined || read.version === version) return read
  throw missingVersion(table, version, `versions up to ${read.version}`)
}

/** Reads the versions after a snapshot, and plays them; the snapshot itself where there are none. */
export async function readOn(table: DeltaTable, from: Snapshot): Promise<Snapshot> {
  const builder = new SnapshotBuilder()
  builder.play(actionsOf(from))
  return readVersions(table, { builder, after: from.version, checkpointVersion: from.checkpointVersion })
}

/** Reads the actions of one version; undefined where there is no such version. */
export async function readVersion({ store, prefix }: DeltaTable, version: number): Promise<Action[] | undefined> {
  const key = `${prefix}${logFolder}${versionName(version)}`
  const bytes = await readIfThere(store, key)
  return bytes && readActions(bytes, key)
}

/** Returns the actions that make a snapshot: the content of its checkpoint. */
export function* actionsOf({ protocol, metaData, transactions, files, removed }: Snapshot): Generator<Action> {
  yield { protocol }
  yield { metaData }
  for (const txn of transactions.values()) yield { txn }
  for (const add of files.values()) yield { add }
  for (const remove of removed.values()) yield { remove }
}

const lastCheckpointSchema = v.object({ version: count, parts: v.nullish(count) })

/** A damaged `_last_checkpoint` is as good as none, as the protocol says. */
async function readLastCheckpoint({ store, prefix }: DeltaTable): Promise<CheckpointName | undefined> {
  const bytes = await readIfThere(store, `${prefix}${logFolder}${lastCheckpointName}`)
  if (!bytes) return undefined
  try {
    const { version, parts } = v.parse(lastCheckpointSchema, JSON.parse(new TextDecoder().decode(bytes)))
    return { version, partCount: parts ?? undefined }
  } catch {
    return undefined
  }
}

/** Reads a checkpoint and what follows; undefined where a file of the checkpoint is not there. */
async function readFrom(
  table: DeltaTable,
  { version, partCount }: CheckpointName,
  until?: number,
): Promise<Snapshot | undefined> {
  const { store, prefix, checkpoints } = table
  const keys = checkpointNames(version, partCount).map(name => `${prefix}${logFolder}${name}`)
  const files = await mapParallel(keys, key => readIfThere(store, key))
  const there = files.flatMap(bytes => bytes ?? [])
  if (there.length < files.length) return undefined
  const builder = new SnapshotBuilder()
  builder.play(await readCheckpoint(checkpoints, there, keys[0] as string))
  return readVersions(table, { builder, after: version, until, checkpointVersion: version })
}

async function readCheckpoint(
  checkpoints: CheckpointFiles,
  files: readonly Uint8Array[],
  place: string,
): Promise<readonly Action[]> {
  const lines = await checkpoints.read(files).catch((error: FanmillError) => {
    if (error.code !== 'ENGINE_FAILED') throw error
    throw invalidLog(place, `expected a checkpoint as Parquet, got: ${error.message}`, error)
  })
  return lines.map(line => readAction(line, place))
}

/** Looks for the best checkpoint in a listing of the log. */
async function readListed(table: DeltaTable, until = Number.POSITIVE_INFINITY): Promise<Snapshot | undefined> {
  const prefix = `${table.prefix}${logFolder}`
  const names = await Array.fromAsync(table.store.list(prefix), ({ key }) => key.slice(prefix.length))
  const first = names.map(versionOf).find(version => version !== undefined)
  const checkpoint = findCheckpoints(names).findLast(({ version }) => version <= until)
  if (checkpoint) return readFrom(table, checkpoint, until)
  if (first === 0) return readVersions(table, { builder: new SnapshotBuilder(), after: -1, until })
  if (names.some(name => v2CheckpointVersion(name) !== undefined)) {
    const message = `${tableName(table)}: expected a Delta table that Fanmill reads, got one with v2 checkpoints; use a table without them`
    throw new PermanentError('DELTA_UNSUPPORTED', message, { table: tableName(table), feature: 'v2Checkpoint' })
  }
  if (first === undefined) return undefined
  if (Number.isFinite(until)) throw missingVersion(table, until, 'only later ones that can be read')
  throw invalidLog(tableName(table), `expected version 0 or a checkpoint in the log, got version ${first} as the first`)
}

interface Replay {
  readonly builder: SnapshotBuilder
  /** The version that was played last; -1 for none. */
  readonly after: number
  readonly until?: number | undefined
  readonly checkpointVersion?: number | undefined
}

async function readVersions(table: DeltaTable, replay: Replay): Promise<Snapshot> {
  const { builder, after, until = Number.POSITIVE_INFINITY, checkpointVersion } = replay
  let version = after
  let gapAt: number | undefined
  for (let atOnce = 2; version < until; atOnce = Math.min(atOnce * 2, readsMax)) {
    const wanted = Array.from({ length: Math.min(atOnce, until - version) }, (_, index) => version + 1 + index)
    const found = await mapParallel(wanted, each => readVersion(table, each))
    const end = found.indexOf(undefined)
    const read = found.slice(0, end < 0 ? found.length : end)
    for (const actions of read) builder.play(actions ?? [])
    version += read.length
    if (found.every(actions => actions === undefined)) break
    // A version that was written while they were read may seem to be missing before a later one; a second time it is.
    if (end === 0 && gapAt === version)
      throw invalidLog(tableName(table), `expected version ${version + 1}, got a log that goes on without it`)
    gapAt = end === 0 ? version : undefined
  }
  return builder.snapshot(version, tableName(table), checkpointVersion)
}

function missingVersion(table: DeltaTable, version: number, got: string): PermanentError {
  const message = `${tableName(table)}: expected version ${version} of the Delta table, got ${got}; choose another version`
  return new PermanentError('DATASET_MISSING', message, { table: tableName(table), version })
}
