/** Building blocks of the schemas of state files; types are inferred from the schemas. */
import * as v from 'valibot'

/** A count, a number of bytes, or an index. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0))

/** The effect of a commit on what the output holds. */
export const modeSchema = v.picklist(['replace', 'fail', 'replacePartitions', 'append'])

/** The data that a schema describes, read-only at every depth. */
export type DataOf<S extends v.GenericSchema> = ReadonlyData<v.InferOutput<S>>

type ReadonlyData<T> = unknown extends T ? T : { readonly [K in keyof T]: ReadonlyData<T[K]> }
