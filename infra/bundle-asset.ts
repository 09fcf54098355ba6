/** The asset of a pipeline's functions, bundled at synthesis. */
import { resolve } from 'node:path'
import { AssetHashType } from 'aws-cdk-lib'
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { BundledLambda } from '../lib/bundle-lambda.ts'
import { type MakeBundleOptions, makeBundle, type PipelineFiles } from './make-bundle.ts'

export type PipelineBundle = BundledLambda & {
  readonly code: AssetCode
}

/**
 * Stages the asset below the app's output folder and prints its size. It holds what is on disk, committed or not.
 * Pipelines of one app with the same options, such as its stages, share one bundle.
 * @throws as `makeBundle`
 */
export function bundleAsset(scope: Construct, options: MakeBundleOptions): PipelineBundle {
  const key = JSON.stringify({ ...options, entry: resolve(options.entry) })
  const { folder, ...bundled } = bundles.get(key) ?? makeAndPrint(options)
  bundles.set(key, { folder, ...bundled })
  // The child process has read every file already: CDK need not hash them once more.
  const code = Code.fromAsset(folder, { assetHash: bundled.hash, assetHashType: AssetHashType.CUSTOM })
  code.bind(scope)
  return { ...bundled, code }
}

/** Bundles of this process, by their options. */
const bundles = new Map<string, PipelineFiles>()

function makeAndPrint(options: MakeBundleOptions): PipelineFiles {
  const bundle = makeBundle(options)
  const { zippedBytes, bytes } = bundle
  console.error(
    `fanmill: ${options.entry} for ${options.architecture}: ${megabytes(zippedBytes)} zipped, ${megabytes(bytes)} unpacked`,
  )
  printUnchecked(bundle)
  return bundle
}

function printUnchecked({ pipeline, schemas }: BundledLambda): void {
  for (const { name, transform, where } of pipeline.tasks) {
    const schema = schemas[name]
    if (schema && 'unknown' in schema && (where ?? transform[0]) !== undefined)
      console.error(`fanmill: task ${name} is checked in part: ${schema.unknown}; the rest is checked when it runs`)
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
