/** Finds the partitions of a source whose rows the user's code yields. */
import type { RowsFromSource } from '../define/definition.ts'
import type { JsonValue } from '../define/json-value.ts'
import { PermanentError } from '../errors/errors.ts'
import { canonicalJson, sortInputs } from '../model/run/identity.ts'
import { type FindOptions, type FoundObjects, noMembers, textInput } from './find-options.ts'
import { readValues } from './read-values.ts'
import { spread } from './slices/spread.ts'

/** Each partition is an input whose key is the partition as text. @throws SOURCE_FAILED when the user's code throws; INPUT_INVALID for equal partitions */
export async function findPartitions(source: RowsFromSource, options: FindOptions): Promise<FoundObjects> {
  const partitions = await readValues(source.partitions, { source: 'rowsFrom', option: 'partitions' }, options)
  const all = partitionsByKey(partitions, options)
  const inputs = spread(sortInputs(Array.from(all.keys(), key => textInput(key, key))), options.sample)
  const { partitionBytes } = source
  return {
    inputs,
    cut: chosen =>
      chosen.map(({ key }, index) => {
        const partition = all.get(key) as JsonValue
        return { kind: 'rows', slice: index, input: index, partition, bytes: partitionBytes }
      }),
    memberCount: inputs.length,
    ...noMembers,
    bytesIn: 0,
    bytes: inputs.length * partitionBytes,
  }
}

function partitionsByKey(partitions: readonly JsonValue[], { task }: FindOptions): Map<string, JsonValue> {
  const all = new Map<string, JsonValue>()
  for (const partition of partitions) {
    const key = typeof partition === 'string' ? partition : canonicalJson(partition)
    if (all.has(key)) {
      const message = `task ${task.name}: expected different partitions, got ${key} twice`
      throw new PermanentError('INPUT_INVALID', message, { task: task.name, partition: key })
    }
    all.set(key, partition)
  }
  return all
}
