/** Adds the parameters of a node to the rows that it wrote: columns whose values are those of partitions. */
import type { ParamValue, ParamValues, PartitionsOfSource } from '../define/definition.ts'
import type { ParamType } from '../define/params/param-definition.ts'
import { isSameName } from '../errors/engine-name.ts'
import { PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/outcome/manifest.ts'

/** The types of columns; parameters of other types are texts, as they are in the code. */
const types: Readonly<Partial<Record<ParamType, string>>> = {
  integer: 'INTEGER',
  float64: 'DOUBLE',
  boolean: 'BOOLEAN',
}

const isInt32 = (value: number): boolean => value >= -(2 ** 31) && value < 2 ** 31

type DatasetFiles = Pick<Manifest, 'schema' | 'partitionBy' | 'parts'>

/**
 * Returns what a manifest would be if the parameters that the source names were partitions of the dataset.
 * @throws DEFINITION_INVALID for a column of that name, PARAM_INVALID for an integer that is no int32
 */
export function withParamColumns<Files extends DatasetFiles>(
  files: Files,
  { of, params: names }: Pick<PartitionsOfSource, 'of' | 'params'>,
  values: ParamValues,
): Files {
  if (!of || !names) return files
  const taken = files.schema.find(column => names.some(name => isSameName(name, column.name)))
  if (taken) {
    const message = `partitionsOf: params: expected names that are no columns of task ${of.name}, got ${taken.name}, which its rows have already; leave it out`
    throw new PermanentError('DEFINITION_INVALID', message, { task: of.name, column: taken.name })
  }
  const added = names.map(name => ({ name, type: types[of.params[name]?.type ?? 'string'] ?? 'VARCHAR' }))
  const partition = Object.fromEntries(names.map(name => [name, textOf(name, values[name], of.params[name]?.type)]))
  return {
    ...files,
    schema: [...files.schema, ...added],
    partitionBy: [...files.partitionBy, ...names],
    parts: files.parts.map(part => ({ ...part, partition: { ...part.partition, ...partition } })),
  }
}

function textOf(name: string, value: ParamValue | undefined, type: ParamType | undefined): string {
  if (type !== 'integer' || isInt32(Number(value))) return String(value)
  const message = `param ${name}: expected an integer of 32 bits, as partitionsOf makes a column of it, got ${value}`
  throw new PermanentError('PARAM_INVALID', message, { param: name, value })
}
