/** Decides whether Fanmill may read or write a table: one that needs a feature which it does not know is refused by name. */
import { PermanentError } from '../errors/errors.ts'
import type { MetaData, Protocol } from './actions.ts'
import { type DeltaField, hasTimestampNtz } from './column-types.ts'

/** Features that change nothing for a reader or writer, unless a table uses them as `usedFeature` finds out. */
const known = new Set([
  'appendOnly',
  'invariants',
  'checkConstraints',
  'changeDataFeed',
  'generatedColumns',
  'columnMapping',
  'identityColumns',
  'timestampNtz',
])

/** Names for messages; a feature that is not listed has its own name. */
const names: Readonly<Record<string, string>> = {
  columnMapping: 'column mapping',
  deletionVectors: 'deletion vectors',
  checkConstraints: 'CHECK constraints',
  invariants: 'column invariants',
  generatedColumns: 'generated columns',
  identityColumns: 'identity columns',
  rowTracking: 'row tracking',
  inCommitTimestamp: 'in-commit timestamps',
  v2Checkpoint: 'v2 checkpoints',
  'v2Checkpoint-preview': 'v2 checkpoints',
  typeWidening: 'type widening',
}

/** The properties of a table that decide which features it needs. */
export interface TableNeeds {
  /** Name of the table, for messages. */
  readonly table: string
  readonly protocol: Protocol
  readonly metaData: MetaData
  readonly fields: readonly DeltaField[]
}

/** @throws DELTA_UNSUPPORTED naming the feature */
export function checkReadable(needs: TableNeeds): void {
  const { protocol } = needs
  const listed = protocol.minReaderVersion >= 3 ? (protocol.readerFeatures ?? []) : []
  const feature = listed.find(name => !known.has(name)) ?? mappedColumns(needs)
  if (feature !== undefined) throw unsupported(needs.table, 'reads', feature)
  if (protocol.minReaderVersion > 3)
    throw unsupported(needs.table, 'reads', `reader version ${protocol.minReaderVersion}`)
}

/** @throws DELTA_UNSUPPORTED naming the feature */
export function checkWritable(needs: TableNeeds): void {
  checkReadable(needs)
  const { protocol } = needs
  const listed = protocol.minWriterVersion >= 7 ? (protocol.writerFeatures ?? []) : []
  const feature = listed.find(name => !known.has(name)) ?? usedFeature(needs)
  if (feature !== undefined) throw unsupported(needs.table, 'writes', feature)
  if (protocol.minWriterVersion > 7)
    throw unsupported(needs.table, 'writes', `writer version ${protocol.minWriterVersion}`)
}

/** Returns whether rows of a table may only be added. */
export const isAppendOnly = ({ configuration }: MetaData): boolean => configuration?.['delta.appendOnly'] === 'true'

function mappedColumns({ metaData: { configuration } }: TableNeeds): string | undefined {
  const mode = configuration?.['delta.columnMapping.mode'] ?? 'none'
  return mode === 'none' ? undefined : 'columnMapping'
}

/** Settings of a table that switch a feature on. */
const switches: Readonly<Record<string, string>> = {
  'delta.enableDeletionVectors': 'deletionVectors',
  'delta.enableRowTracking': 'rowTracking',
  'delta.enableInCommitTimestamps': 'inCommitTimestamp',
}

/** Keys in the metadata of a column that only a writer with that feature may fill. */
const columnFeatures: Readonly<Record<string, string>> = {
  'delta.invariants': 'invariants',
  'delta.generationExpression': 'generatedColumns',
  'delta.identity.start': 'identityColumns',
}

/** Returns a feature that the table makes use of, and that asks more of a writer than to add files. */
function usedFeature({ metaData, fields }: TableNeeds): string | undefined {
  const settings = Object.entries(metaData.configuration ?? {})
  if (settings.some(([key]) => key.startsWith('delta.constraints.'))) return 'checkConstraints'
  const on = settings.find(([key, value]) => value === 'true' && switches[key] !== undefined)
  if (on) return switches[on[0]]
  const marks = fields.flatMap(field => Object.keys(field.metadata))
  return marks.map(mark => columnFeatures[mark]).find(each => each !== undefined)
}

function unsupported(table: string, does: 'reads' | 'writes', feature: string): PermanentError {
  const name = names[feature] ?? feature
  const message = `${table}: expected a Delta table that Fanmill ${does}, got one with ${name}; use a table without ${name}, or write to another path`
  return new PermanentError('DELTA_UNSUPPORTED', message, { table, feature })
}

const ntz = 'timestampNtz'
/** Features that the writer versions before lists of features stand for. */
const legacyFeatures: readonly (readonly [version: number, feature: string])[] = [
  [2, 'appendOnly'],
  [2, 'invariants'],
  [3, 'checkConstraints'],
  [4, 'changeDataFeed'],
  [4, 'generatedColumns'],
  [5, 'columnMapping'],
  [6, 'identityColumns'],
]

/** Returns the protocol that a table with these columns needs; `before` where it has one that suffices. */
export function protocolFor(fields: readonly DeltaField[], before: Protocol | undefined): Protocol {
  const current = before ?? { minReaderVersion: 1, minWriterVersion: 2 }
  const { minReaderVersion, minWriterVersion, readerFeatures, writerFeatures } = current
  const needsNtz = fields.some(({ type }) => hasTimestampNtz(type))
  if (!needsNtz || (writerFeatures?.includes(ntz) && readerFeatures?.includes(ntz))) return current
  const legacy = legacyFeatures.filter(([version]) => version <= minWriterVersion).map(([, feature]) => feature)
  const reads = minReaderVersion === 2 ? ['columnMapping'] : []
  return {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: added(minReaderVersion >= 3 ? (readerFeatures ?? []) : reads, ntz),
    writerFeatures: added(minWriterVersion >= 7 ? (writerFeatures ?? []) : legacy, ntz),
  }
}

const added = (features: readonly string[], feature: string): string[] => [...new Set([...features, feature])]
