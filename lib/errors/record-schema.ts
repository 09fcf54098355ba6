/** The schema of objects with any keys. */
import * as v from 'valibot'

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Returns the schema of an object by the schemas of its keys and values. It keeps every key: `v.record` drops `constructor` in silence. */
export function record<Key extends v.GenericSchema<string, string>, Value extends v.GenericSchema>(
  key: Key,
  value: Value,
  expected = 'an object',
) {
  type Given = Record<string, v.InferInput<Value>>
  return v.pipe(
    v.custom<Given>(() => true),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      if (isObject(dataset.value)) return new Map(Object.entries(dataset.value))
      addIssue({ expected: 'Object', message: expected })
      return NEVER
    }),
    v.map(key, value),
    v.transform(read => Object.fromEntries(read) as Record<string, v.InferOutput<Value>>),
  )
}
