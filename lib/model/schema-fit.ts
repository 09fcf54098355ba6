/** Checks that rows of a run fit beside those of a dataset: the same columns of the same types, in the same partitions. */
import { PermanentError } from '../errors/errors.ts'
import type { Manifest, ManifestPart, SchemaColumn } from './outcome/manifest.ts'
import { typeName } from './type-names.ts'

/** The shape of the rows that a run will write, as far as it is known. */
export interface RunShape {
  readonly partitionBy?: readonly string[] | undefined
  /** Absent or empty where only the inputs show the columns. */
  readonly schema?: readonly SchemaColumn[] | undefined
}

/** Returns the parts that may stay beside those of a run, before the run's partitions are known. */
export function keptParts(
  before: Pick<Manifest, 'parts'> | undefined,
  { mode, runId, replaces }: { readonly mode: string; readonly runId: string; readonly replaces: readonly string[] },
): readonly ManifestPart[] {
  if (mode !== 'append' && mode !== 'replacePartitions') return []
  return (before?.parts ?? []).filter(part => part.runId !== runId && !replaces.includes(part.runId))
}

/** Whether rows may stay beside those of a run, before the run's partitions are known. */
export const keepsRows = (...given: Parameters<typeof keptParts>): boolean =>
  keptParts(...given).some(part => part.rows > 0)

/** Checks that every column of the dataset is among the run's, with its type; the run may add columns. @throws OUTPUT_SCHEMA_MISMATCH with both */
export function checkShape(outputPath: string, before: Pick<Manifest, 'schema' | 'partitionBy'>, run: RunShape): void {
  const { partitionBy, schema = [] } = run
  if (partitionBy && `${partitionBy}` !== `${before.partitionBy}`)
    throw mismatch(outputPath, {
      expected: `parts ${partitionText(before.partitionBy)}`,
      got: `parts ${partitionText(partitionBy)}`,
      remedy: 'set partitionBy as before',
    })
  const types = new Map(schema.map(({ name, type }) => [name, type]))
  const differing = before.schema.filter(({ name, type }) => types.get(name) !== type)
  if (schema.length === 0 || differing.length === 0) return
  const changes = differing.map(
    ({ name, type }) => `${name} is ${typeName(types.get(name) ?? 'missing')} in place of ${typeName(type)}`,
  )
  throw mismatch(outputPath, {
    expected: `the columns ${schemaText(before.schema)}`,
    got: `${schemaText(schema)}: ${changes.join(', ')}`,
    remedy: 'set the types of these columns as before (columns may be added)',
  })
}

/** Returns the columns of a dataset, then those that a run adds. */
export function joinedSchema(before: readonly SchemaColumn[], run: readonly SchemaColumn[]): readonly SchemaColumn[] {
  const names = new Set(before.map(column => column.name))
  return [...before, ...run.filter(column => !names.has(column.name))]
}

function mismatch(
  outputPath: string,
  { expected, got, remedy }: { readonly expected: string; readonly got: string; readonly remedy: string },
): PermanentError {
  const where = outputPath === '' ? 'the dataset' : `the dataset in ${outputPath}`
  const message = `expected ${expected} as in ${where}, got ${got}; ${remedy}, write to another path, or use mode 'replace' for all rows anew`
  return new PermanentError('OUTPUT_SCHEMA_MISMATCH', message, { outputPath, expected, got })
}

const partitionText = (names: readonly string[]): string =>
  names.length === 0 ? 'without partitions' : `partitioned by ${names.join(', ')}`

const schemaText = (schema: readonly SchemaColumn[]): string =>
  schema.map(({ name, type }) => `${name} ${typeName(type)}`).join(', ')
