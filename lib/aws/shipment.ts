/** Code that travels to deployed functions without a deployment, as one object below the state. */
import * as v from 'valibot'
import { record } from '../errors/record-schema.ts'
import type { DataOf } from '../model/json-schema.ts'
import { columnsSchema } from '../model/outcome/manifest.ts'
import { shipFactsSchema } from './ship-facts.ts'

const text = v.string()

export const shipmentSchema = v.object({
  facts: shipFactsSchema,
  /** The user's module, bundled with everything that the functions' asset does not have; and its source map. */
  code: text,
  sourceMap: text,
  /** Code hash by task name. */
  codeHashes: record(text, text),
  /** Columns that a task writes, by task name, where they are known before a run. */
  schemas: record(text, columnsSchema),
  /** Files that `ctx.file()` reads, by path from the pipeline's folder, in base64. */
  files: record(text, v.object({ content: text, mode: v.number() })),
})
export type Shipment = DataOf<typeof shipmentSchema>

/** SHA-256 of the object, which is its name, in hexadecimal digits. */
export const shippedHashSchema = v.pipe(text, v.regex(/^[0-9a-f]{64}$/))

/** Limits on a shipment, compressed and as text: each process of a function loads it, before its first batch, beside the engine's memory. */
export const shippedBytesMax = 16 * 1024 * 1024
export const shippedTextBytesMax = 64 * 1024 * 1024
