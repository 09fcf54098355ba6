/**
 * The actions of a Delta table's transaction log: one JSON object a line in a version's file, one row in a checkpoint.
 * @see https://github.com/delta-io/delta/blob/master/PROTOCOL.md
 */
import * as v from 'valibot'
import { PermanentError } from '../errors/errors.ts'
import { record } from '../errors/record-schema.ts'
import { count, type DataOf } from '../model/json-schema.ts'

const texts = record(v.string(), v.string())
const partitionValues = record(v.string(), v.nullable(v.string()))
// Other writers leave fields out or set them to null, which mean the same.
const optional = <S extends v.GenericSchema>(schema: S) => v.nullish(schema)

const protocolSchema = v.looseObject({
  minReaderVersion: count,
  minWriterVersion: count,
  readerFeatures: optional(v.array(v.string())),
  writerFeatures: optional(v.array(v.string())),
})
/** The versions and features of the protocol that a table's readers and writers need. */
export type Protocol = DataOf<typeof protocolSchema>

const metaDataSchema = v.looseObject({
  id: v.string(),
  name: optional(v.string()),
  description: optional(v.string()),
  format: v.looseObject({ provider: v.string(), options: optional(texts) }),
  /** The columns, as JSON in a text. */
  schemaString: v.string(),
  partitionColumns: v.array(v.string()),
  configuration: optional(texts),
  /** Milliseconds since 1970. */
  createdTime: optional(v.number()),
})
/** The columns, partitions and settings of a table. */
export type MetaData = DataOf<typeof metaDataSchema>

const addSchema = v.looseObject({
  /** Percent-encoded; relative to the table, or an address with a scheme. */
  path: v.string(),
  partitionValues,
  size: count,
  /** Milliseconds since 1970. */
  modificationTime: v.number(),
  dataChange: v.boolean(),
  /** JSON in a text. */
  stats: optional(v.string()),
  tags: optional(record(v.string(), v.nullable(v.string()))),
})
/** A file becomes part of the table. */
export type AddFile = DataOf<typeof addSchema>

const removeSchema = v.looseObject({
  path: v.string(),
  /** Milliseconds since 1970. */
  deletionTimestamp: optional(v.number()),
  dataChange: v.boolean(),
  extendedFileMetadata: optional(v.boolean()),
  partitionValues: optional(partitionValues),
  size: optional(count),
})
/** A file is no longer part of the table. It stays where it is, for readers of older versions. */
export type RemoveFile = DataOf<typeof removeSchema>

const transactionSchema = v.looseObject({ appId: v.string(), version: v.number(), lastUpdated: optional(v.number()) })
/** The version that an application has written: the protocol's own means against doing a commit twice. */
export type Transaction = DataOf<typeof transactionSchema>

const actionSchema = v.object({
  protocol: optional(protocolSchema),
  metaData: optional(metaDataSchema),
  add: optional(addSchema),
  remove: optional(removeSchema),
  txn: optional(transactionSchema),
  /** The origin of a version. Readers do not depend on it. */
  commitInfo: optional(record(v.string(), v.unknown())),
})

type Actions = DataOf<typeof actionSchema>

/** One line of a version: exactly one field is set. Actions of other kinds change nothing that Fanmill reads. */
export type Action = { readonly [Kind in keyof Actions]?: NonNullable<Actions[Kind]> | undefined }

/** Reads the actions of a version's file. @throws DELTA_INVALID naming the line */
export function readActions(bytes: Uint8Array, key: string): Action[] {
  const lines = new TextDecoder().decode(bytes).split('\n')
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [readAction(line, `${key}, line ${index + 1}`)]))
}

/** Reads one action; `place` is where it stands, for messages. @throws DELTA_INVALID */
export function readAction(line: string, place: string): Action {
  const result = v.safeParse(actionSchema, parseJson(line, place))
  if (!result.success) {
    const issue = result.issues[0]
    throw invalidLog(place, `${v.getDotPath(issue) ?? 'content'}: expected ${issue.expected}, got ${issue.received}`)
  }
  return Object.fromEntries(Object.entries(result.output).filter(([, value]) => value !== null && value !== undefined))
}

/** Returns actions as the bytes of a version's file. */
export function actionBytes(actions: readonly Action[]): Uint8Array {
  return new TextEncoder().encode(actions.map(action => `${JSON.stringify(action)}\n`).join(''))
}

export function invalidLog(place: string, what: string, cause?: unknown): PermanentError {
  const message = `${place}: ${what}; the table's log is damaged: repair it with the program that wrote it`
  return new PermanentError('DELTA_INVALID', message, { place }, { cause })
}

function parseJson(line: string, place: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw invalidLog(place, 'expected an action as JSON, got something else', error)
  }
}
