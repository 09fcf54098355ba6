/** The asset of a pipeline's functions, made at synthesis by a child process, since constructs cannot await. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { BundledLambda, BundleLambdaAnswer, BundleLambdaRequest } from '../lib/bundle-lambda.ts'
import { fromPlain } from '../lib/errors/errors.ts'

export interface BundleAssetOptions {
  readonly entry: string
  readonly architecture: 'arm64' | 'x86_64'
  readonly include?: readonly string[]
  readonly external?: readonly string[]
  /** Whether the columns of what is written are asked for, also where steps depend on parameters without a default; default not. */
  readonly withSchemas?: boolean
}

export type PipelineBundle = BundledLambda & {
  readonly code: AssetCode
}

/**
 * Stages the asset below the app's output folder and prints its size. Asks no version control: what is on disk travels.
 * Pipelines of one app that are bundled alike, such as its stages, share one bundle.
 * @throws the pipeline's own error when it does not load, or when its SQL is wrong; DEFINITION_LOAD when the engine's binding cannot be had
 */
export function bundleAsset(scope: Construct, options: BundleAssetOptions): PipelineBundle {
  const key = JSON.stringify({ ...options, entry: resolve(options.entry) })
  const { folder, ...bundled } = bundles.get(key) ?? makeBundle(options)
  bundles.set(key, { folder, ...bundled })
  const code = Code.fromAsset(folder)
  code.bind(scope)
  return { ...bundled, code }
}

type MadeBundle = BundledLambda & { readonly folder: string }

/** By options, as long as this process synthesises. */
const bundles = new Map<string, MadeBundle>()

function makeBundle(options: BundleAssetOptions): MadeBundle {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-asset-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const bundled = bundleInChild({ ...options, entry: resolve(options.entry), outFolder: folder })
  const { zippedBytes, bytes } = bundled
  console.error(
    `fanmill: ${options.entry} for ${options.architecture}: ${megabytes(zippedBytes)} zipped, ${megabytes(bytes)} unpacked`,
  )
  tellUnchecked(bundled)
  return { ...bundled, folder }
}

function tellUnchecked({ pipeline, schemas }: BundledLambda): void {
  for (const { name, transform, where } of pipeline.tasks) {
    const schema = schemas[name]
    if (schema && 'unknown' in schema && (where ?? transform[0]) !== undefined)
      console.error(`fanmill: task ${name} is checked in part: ${schema.unknown}; the rest is checked when it runs`)
  }
}

function bundleInChild(request: BundleLambdaRequest): BundledLambda {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const script = fileURLToPath(new URL(`../lib/bundle-lambda.${extension}`, import.meta.url))
  const { stdout, stderr, status, error } = spawnSync(process.execPath, [script, JSON.stringify(request)], {
    encoding: 'utf8',
    maxBuffer: outputBytesMax,
  })
  const last = (stdout ?? '').trimEnd().split('\n').at(-1) ?? ''
  if (!last.startsWith('{'))
    throw new Error(`bundling ${request.entry} ended with ${status}: ${stderr}`, { cause: error })
  const answer = JSON.parse(last) as BundleLambdaAnswer
  if ('error' in answer) throw fromPlain(answer.error)
  return answer
}

/** A definition and what its module prints. */
const outputBytesMax = 64 * 1024 * 1024

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
