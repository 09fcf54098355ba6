/** Derives the identity of runs and outputs from their contents. */
import { createHash, type Hash } from 'node:crypto'
import * as v from 'valibot'
import type { ParamValues } from '../../define/definition.ts'
import { count, type DataOf } from '../json-schema.ts'
import type { InputObject } from '../plan-data.ts'

/** The identity of a run; inputs in any order. */
export interface RunIdentity {
  /** Path of the dataset below the output root; no slash at either end. */
  readonly outputPath: string
  readonly task: string
  readonly params: ParamValues
  readonly codeHash: string
  readonly inputs: readonly Pick<InputObject, 'key' | 'sizeBytes' | 'identity'>[]
  /** The requirements of the task besides its inputs; default none. */
  readonly upstream?: readonly UpstreamIdentity[] | undefined
}

export const upstreamIdentitySchema = v.object({
  /** The required node, such as `flights(month=2001-01)`. */
  node: v.string(),
  /** The dataset and one of its runs: `{output}#{runId}`. */
  key: v.string(),
  identity: v.string(),
})
/** A run of a dataset that a task requires. */
export type UpstreamIdentity = DataOf<typeof upstreamIdentitySchema>

export const runNameSchema = v.strictObject({ runId: v.string(), attempt: count })
/** One attempt of a run. */
export type RunName = DataOf<typeof runNameSchema>

/** Returns a text that tells attempts apart. */
export const attemptText = ({ runId, attempt }: RunName): string => `${runId}/${attempt}`

/** Returns JSON with sorted keys and without undefined, so that equal data is equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(',')}}`
}

/** Returns 16 hexadecimal digits: the same for the same output, task, parameters, code and inputs. */
export function runIdOf(run: RunIdentity): string {
  const { outputPath, task, params, codeHash } = run
  // Absent without requirements, so that the ids of such runs do not depend on this field.
  const upstream = run.upstream?.length
    ? sortInputs(run.upstream).map(({ key, identity }) => ({ key, identity }))
    : undefined
  const rest = canonicalJson({ outputPath, task, params, upstream })
  // The canonical JSON of everything, one input after another: the text of 100,000 inputs would take more memory than they do.
  const hash = createHash('sha256').update(`{"codeHash":${JSON.stringify(codeHash)},"inputs":[`)
  for (const [index, { key, sizeBytes, identity }] of sortInputs(run.inputs).entries())
    hash.update((index === 0 ? '' : ',') + canonicalJson({ key, sizeBytes, identity }))
  return shortDigest(hash.update(`],${rest.slice(1)}`))
}

/** Returns a hash of what rows depend on besides inputs and parameters: the task's code, its broadcast tables, and the options of reading. */
export function rowCodeOf(
  code: string | undefined,
  tables: string,
  { strict, sample }: { readonly strict?: boolean | undefined; readonly sample?: number | string | undefined } = {},
): string {
  return shortHash(JSON.stringify([code, tables, strict, sample]))
}

/** Returns 16 hexadecimal digits for the path of a dataset. */
export function outputHashOf(outputPath: string): string {
  return shortHash(canonicalJson({ outputPath }))
}

/** Sorts by key in code unit order, the order in which a run numbers its inputs. */
export function sortInputs<T extends { readonly key: string }>(inputs: readonly T[]): T[] {
  return [...inputs].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

/** Returns 16 hexadecimal digits of a text's SHA-256. */
export function shortHash(text: string): string {
  return shortDigest(createHash('sha256').update(text))
}

const shortDigest = (hash: Hash): string => hash.digest('hex').slice(0, 16)
