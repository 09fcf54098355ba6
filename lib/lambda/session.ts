/** The settings, the pipeline and the stores that a process of a function keeps between invocations. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { assetNames } from '../aws/lambda-events.ts'
import { type LoadableBundle, loadPipeline } from '../bundle/bundle-load.ts'
import type { PipelineDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { record } from '../errors/record-schema.ts'
import type { CodeHash } from '../graph/lineage.ts'
import { columnsSchema, type SchemaColumn } from '../model/outcome/manifest.ts'
import { outputHashOf } from '../model/run/identity.ts'
import type { Owner } from '../state/state.ts'
import { openStore } from '../store/open-store.ts'
import { outageMs } from '../store/outage.ts'
import { leasedMs } from '../store/s3/retry.ts'
import type { Store } from '../store/store.ts'
import type { S3Place } from '../store/store-url.ts'
import { type LambdaSettings, readEnvironment } from './environment.ts'

export interface LambdaSession {
  readonly settings: LambdaSettings
  readonly bundle: LoadableBundle
  readonly pipeline: PipelineDefinition
  /** Hash of the shipped code that runs; absent for deployed code. */
  readonly shipped?: string
  /** Hashes of the running code, by task name. */
  readonly codeHashes: Readonly<Record<string, string>>
  /** Columns of outputs, by task name, where they are known before a run. */
  readonly schemas: Readonly<Record<string, readonly SchemaColumn[]>>
  readonly input: Store
  readonly output: Store
  /**
   * Time until which both stores may retry, in milliseconds since 1970: requests that S3 refuses for their rate until then, others as long as
   * an outage may last. Set by Process for the current invocation only: Plan and Commit hold turns and claims, which would lapse meanwhile.
   */
  readonly patience: { untilMs: number }
}

let opened: { readonly key: string; readonly session: Promise<LambdaSession> } | undefined

/** Opens the session once for each environment; after a failure the next call tries again. @throws USAGE, DEFINITION_* */
export async function openLambda(): Promise<LambdaSession> {
  const settings = readEnvironment(process.env)
  const key = JSON.stringify(settings)
  if (opened?.key !== key) opened = { key, session: open(settings) }
  try {
    return await opened.session
  } catch (error) {
    opened = undefined
    throw error
  }
}

/** Returns a function for the hashes of the running code. */
export const codeHashIn =
  ({ codeHashes }: Pick<LambdaSession, 'codeHashes'>): CodeHash =>
  ({ name }) =>
    codeHashes[name] ?? ''

/** Returns the owner of a run: the execution, whichever of its functions works on it. */
export function executionOwner(execution: string): Owner {
  return { id: execution, host: 'aws', startedAt: new Date().toISOString() }
}

/** Longer than any invocation; each batch renews the lease. */
export const runLeaseMs = 30 * 60_000

/** Returns where the state machine finds what the functions write; empty for a folder, as in tests. */
export const bucketOf = ({ settings: { output } }: Pick<LambdaSession, 'settings'>): S3Place =>
  output.kind === 's3' ? output : { bucket: '', prefix: '' }

/** Returns a short name for a state file that belongs to this text. */
export const shortName = (text: string): string => outputHashOf(text)

async function open(settings: LambdaSettings): Promise<LambdaSession> {
  const bundle: LoadableBundle = { file: pipelineFile(settings), url: settings.pipelineUrl, files: [] }
  const pipeline = await loadPipeline(bundle)
  if (pipeline.name !== settings.pipeline) {
    const message = `expected pipeline ${settings.pipeline} in the function's asset, got ${pipeline.name}; deploy again`
    throw new PermanentError('DEFINITION_LOAD', message)
  }
  const codeHashes = await readAsset(settings, assetNames.codeHashes, hashesSchema)
  const schemas = await readAsset(settings, assetNames.schemas, schemasSchema)
  const patience = { untilMs: 0 }
  const untilMs = (startedAtMs: number, isRefusal: boolean): number =>
    Math.max(startedAtMs + leasedMs, Math.min(patience.untilMs, isRefusal ? patience.untilMs : startedAtMs + outageMs))
  const input = openStore(settings.input, { untilMs })
  const output = openStore(settings.output, { untilMs })
  return { settings, bundle, pipeline, codeHashes, schemas, input, output, patience }
}

/** Returns the path of the pipeline among its included files, against which `ctx.file()` resolves. */
export const pipelineFile = ({ pipeline, pipelineUrl }: Pick<LambdaSettings, 'pipeline' | 'pipelineUrl'>): string =>
  join(dirname(fileURLToPath(pipelineUrl)), assetNames.files, pipeline)

/** Reads a JSON file of the function's asset. @throws DEFINITION_LOAD when it is missing, or not as synthesis writes it */
export async function readAsset<T>(
  { pipelineUrl }: Pick<LambdaSettings, 'pipelineUrl'>,
  name: string,
  schema: v.GenericSchema<unknown, T>,
): Promise<T> {
  try {
    return v.parse(schema, JSON.parse(await readFile(new URL(name, pipelineUrl), 'utf8')))
  } catch (cause) {
    const message = `expected ${name} in the function's asset, as synthesis writes it; deploy again`
    throw new PermanentError('DEFINITION_LOAD', message, {}, { cause })
  }
}

const hashesSchema = record(v.string(), v.string())
const schemasSchema = record(v.string(), columnsSchema)
