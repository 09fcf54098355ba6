/** Reads an output bucket: datasets with an independent reader, and the state of runs. */
import { ListMultipartUploadsCommand, type MultipartUpload, S3Client } from '@aws-sdk/client-s3'
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import type { Manifest } from '../../lib/model/outcome/manifest.ts'
import type { Failure, Outcome } from '../../lib/model/outcome/outcome.ts'
import type { PlanItem } from '../../lib/model/plan-data.ts'
import type { RunRecord } from '../../lib/state/state.ts'
import { openStore } from '../../lib/store/open-store.ts'
import type { Store } from '../../lib/store/store.ts'

export const lakeOf = (bucket: string, prefix = ''): Store => openStore({ kind: 's3', bucket, prefix })

export async function keysOf(lake: Store, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of lake.list(prefix)) keys.push(key)
  return keys
}

export async function jsonOf<T>(lake: Store, key: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await lake.read(key))) as T
}

/** Reads the manifest; returns undefined while there is no `_SUCCESS`. */
export async function manifestOf(lake: Store, dataset: string): Promise<Manifest | undefined> {
  const key = `${dataset}/_SUCCESS`
  return (await lake.stat(key)) ? jsonOf<Manifest>(lake, key) : undefined
}

/** Reads a run by its name in the output of the state machine. */
export interface RunState {
  readonly record: RunRecord
  readonly plan: readonly PlanItem[]
  readonly outcomes: readonly Outcome[]
  readonly failures: readonly Failure[]
}

export async function runState(lake: Store, { runId, attempt }: { runId: string; attempt: number }): Promise<RunState> {
  const folder = `.fanmill/runs/${runId}/${attempt}/`
  const all = async <T>(prefix: string): Promise<T[]> =>
    Promise.all((await keysOf(lake, folder + prefix)).map(key => jsonOf<T>(lake, key)))
  const outcomes = await all<Outcome>('outcomes/')
  return {
    record: await jsonOf(lake, `${folder}run.json`),
    plan: await jsonOf(lake, `${folder}plan.json`),
    outcomes: outcomes.sort((a, b) => a.batch - b.batch),
    failures: await all<Failure>('failures/'),
  }
}

/** Returns the attempts of all runs of one task. */
export async function recordsOf(lake: Store, task: string): Promise<RunRecord[]> {
  const keys = (await keysOf(lake, '.fanmill/runs/')).filter(key => key.endsWith('/run.json'))
  const records = await Promise.all(keys.map(key => jsonOf<RunRecord>(lake, key)))
  return records.filter(record => record.task === task)
}

export type Row = Readonly<Record<string, unknown>>

/** Returns the sorted rows of all visible parts, with their partition values. */
export async function rowsOf(lake: Store, dataset: string): Promise<Row[]> {
  const rows: { readonly row: Row; readonly text: string }[] = []
  for (const key of await partsOf(lake, dataset)) {
    const partition = Object.fromEntries(
      [...key.matchAll(/([^/=]+)=([^/]+)\//g)].map(([, name, value]) => [name, value]),
    )
    for (const values of await parquetReadObjects({ file: await fileOf(lake, key), compressors })) {
      const row = { ...values, ...partition }
      rows.push({ row, text: JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}` : value)) })
    }
  }
  return rows.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)).map(({ row }) => row)
}

/** Returns the different lists of columns of the parts, with names and types. */
export async function schemasOf(lake: Store, dataset: string): Promise<string[]> {
  const schemas = new Set<string>()
  for (const key of await partsOf(lake, dataset)) {
    const { children } = parquetSchema(parquetMetadata(await fileOf(lake, key)))
    schemas.add(JSON.stringify(children.map(({ element }) => element)))
  }
  return [...schemas].sort()
}

export async function partsOf(lake: Store, dataset: string): Promise<string[]> {
  return (await keysOf(lake, `${dataset}/`)).filter(key => key.endsWith('.parquet'))
}

export async function openUploads(bucket: string): Promise<MultipartUpload[]> {
  const { Uploads = [] } = await new S3Client({ forcePathStyle: true }).send(
    new ListMultipartUploadsCommand({ Bucket: bucket }),
  )
  return Uploads
}

async function fileOf(lake: Store, key: string): Promise<ArrayBuffer> {
  const bytes = await lake.read(key)
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
}
