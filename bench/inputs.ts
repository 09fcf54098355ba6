/** The generated inputs: their content and their paths. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { firstOrderId, type OrderStyle } from './order-rows.ts'

export type InputName =
  | 'many'
  | 'many4x'
  | 'million'
  | 'tiny'
  | 'big'
  | 'large'
  | 'huge'
  | 'gzip'
  | 'newlines'
  | 'files'
  | 'gzips'

export interface Input {
  readonly file: string
  /** `files` and `gzips` are folders of many small files. */
  readonly form: 'members' | 'member' | 'text' | 'gzip' | 'files' | 'gzips'
  readonly style: OrderStyle
  readonly rows: number
  /** Rows of one member or one small file; default `memberRows`. */
  readonly memberRows?: number
}

/** Rows of one small member. */
export const memberRows = 1_000

export const inputs: Readonly<Record<InputName, Input>> = {
  many: { file: 'many.zip', form: 'members', style: 'many', rows: 6_087 * memberRows },
  many4x: { file: 'many-4x.zip', form: 'members', style: 'many', rows: 4 * 6_087 * memberRows },
  million: { file: 'million.zip', form: 'members', style: 'many', rows: 1_000_000, memberRows: 1 },
  tiny: { file: 'tiny.zip', form: 'members', style: 'many', rows: 1_100_000, memberRows: 11 },
  big: { file: 'big.csv', form: 'text', style: 'big', rows: 2_000_000 },
  large: { file: 'large.csv', form: 'text', style: 'big', rows: 20_000_000 },
  huge: { file: 'huge.zip', form: 'member', style: 'big', rows: 22_600_000 },
  gzip: { file: 'orders.csv.gz', form: 'gzip', style: 'big', rows: 4_000_000 },
  newlines: { file: 'newlines.csv', form: 'text', style: 'newlines', rows: 2_000_000 },
  files: { file: 'files', form: 'files', style: 'many', rows: 100_000, memberRows: 1 },
  gzips: { file: 'gzips', form: 'gzips', style: 'many', rows: 20_000, memberRows: 1 },
}

/** Folder of the inputs: `bench/data`, or `$FANMILL_BENCH_DATA`. */
export const dataFolder: string =
  process.env.FANMILL_BENCH_DATA ?? fileURLToPath(new URL('data', import.meta.url)).replace(/\/$/, '')

export const inputPath = (name: InputName): string => join(dataFolder, inputs[name].file)

/** Facts about a generated input, written beside it when it is complete. */
export interface InputFacts {
  readonly rows: number
  readonly inflatedBytes: number
}

/** Returns the inflated size of an input that exists. */
export function inflatedBytes(name: InputName): number {
  const facts: InputFacts = JSON.parse(readFileSync(`${inputPath(name)}.facts.json`, 'utf8'))
  return facts.inflatedBytes
}

/** Returns the sum of order_id, which follows from the first id and the count. */
export function orderIdSum(name: InputName): number {
  const { rows } = inputs[name]
  return rows * firstOrderId + (rows * (rows - 1)) / 2
}

/** Describes this machine in one line. */
export function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${memory}, ${type()} ${release()}, Node ${process.versions.node}`
}
