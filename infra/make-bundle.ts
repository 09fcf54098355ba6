/** Bundles a pipeline for Lambda in a child process, because constructs cannot await. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BundledLambda, BundleLambdaAnswer, BundleLambdaRequest } from '../lib/bundle-lambda.ts'
import { fromPlain } from '../lib/errors/errors.ts'

export interface MakeBundleOptions {
  readonly entry: string
  readonly architecture: 'arm64' | 'x86_64'
  readonly include?: readonly string[]
  readonly external?: readonly string[]
  /** Whether the columns of outputs are found also where steps depend on parameters without a default; default false. */
  readonly withSchemas?: boolean
}

export type PipelineFiles = BundledLambda & {
  /** Folder of the asset, removed when this process exits. */
  readonly folder: string
}

/** @throws the pipeline's own error when it does not load, or when its SQL is wrong; DEFINITION_LOAD when the engine's binding cannot be fetched */
export function makeBundle(options: MakeBundleOptions): PipelineFiles {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-asset-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const bundled = bundleInChild({ ...options, entry: resolve(options.entry), outFolder: folder })
  return { ...bundled, folder }
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

/** Room for a definition and for what its module prints. */
const outputBytesMax = 64 * 1024 * 1024
