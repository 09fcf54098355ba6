/** State files of shipped code: their keys, and when each was shipped last. */
import * as v from 'valibot'
import type { DataOf } from '../model/json-schema.ts'
import { shippedRoot } from '../store/state-root.ts'
import { reader } from './state.ts'

/** Returns the keys of shipped code by its hash: its content as compressed JSON, and when it was shipped last. */
export const shippedKeys = (hash: string) => ({
  content: `${shippedRoot}${hash}.json.gz`,
  use: `${shippedRoot}${hash}.use.json`,
})

/** Returns the hash in the key of either file. */
export const shippedHashIn = (key: string): string => key.slice(shippedRoot.length).split('.')[0] ?? ''

const useSchema = v.object({ shippedAt: v.string() })
/** `{hash}.use.json`: a store tells the age of no object. */
export type ShippedUse = DataOf<typeof useSchema>
export const readShippedUse = reader(useSchema)
