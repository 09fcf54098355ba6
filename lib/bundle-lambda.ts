/**
 * A child process of synthesis, because constructs cannot await: writes the asset of a pipeline's functions, and prints the pipeline
 * as one line of JSON on standard output.
 */
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ShipFacts, shipFactsOf } from './aws/ship-facts.ts'
import { bundlePipeline } from './bundle/bundle.ts'
import { loadPipeline } from './bundle/bundle-load.ts'
import { rowVersions } from './bundle/own-versions.ts'
import { codeHashes } from './bundle/task-hasher.ts'
import { knownColumns, type TaskSchema, taskSchemas } from './bundle-schemas.ts'
import type { PipelineDefinition } from './define/definition.ts'
import { type PlainError, toPlain } from './errors/errors.ts'
import { type LambdaAssetOptions, writeLambdaAsset } from './lambda/asset/asset.ts'
import { type AssetBytes, assetBytes } from './lambda/asset/bytes.ts'
import { packageVersions } from './lambda/asset/shipment.ts'
import { inOwnFolder } from './store/own-folder.ts'

/** Its only argument, as JSON. */
export type BundleLambdaRequest = Omit<LambdaAssetOptions, 'handlers' | 'codeHashes' | 'schemas' | 'shipFacts'> & {
  /** Whether the columns of outputs are found also where steps depend on parameters without a default. */
  readonly withSchemas?: boolean
}

export type BundleLambdaAnswer = { readonly error: PlainError } | BundledLambda

export interface BundledLambda extends AssetBytes {
  /** Without its functions, which are no JSON. */
  readonly pipeline: PipelineDefinition
  /** Whether a task has the function `discover`. */
  readonly discovers: boolean
  /** The facts by which its functions decide about shipped code. */
  readonly shipFacts: ShipFacts
  /** Columns by task. */
  readonly schemas: Readonly<Record<string, TaskSchema>>
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const handler = (name: string): string => fileURLToPath(new URL(`../functions/${name}.${extension}`, import.meta.url))
const handlers = Object.fromEntries(['plan', 'process', 'commit', 'graph', 'start'].map(name => [name, handler(name)]))

const answer = await bundle(JSON.parse(process.argv[2] ?? '{}') as BundleLambdaRequest).catch((error: unknown) => ({
  error: toPlain(error),
}))
// The line feed ends whatever the user's module has printed.
process.stdout.write(`\n${JSON.stringify(answer)}\n`)

function bundle(request: BundleLambdaRequest): Promise<BundledLambda> {
  return inOwnFolder(async outFolder => {
    const bundled = await bundlePipeline(request.entry, { outFolder })
    const pipeline = await loadPipeline(bundled)
    const hashes = Object.fromEntries(await codeHashes(bundled, pipeline))
    const known = await taskSchemas(pipeline, { withSamples: false })
    const unknown = pipeline.tasks.filter(({ name }) => 'unknown' in (known[name] ?? {}))
    const sampled = request.withSchemas && (await taskSchemas({ tasks: unknown }, { withSamples: true }))
    const { include = [], external = [] } = request
    const versions = packageVersions(external, dirname(resolve(request.entry)))
    const shipFacts = shipFactsOf(pipeline, { versions: rowVersions(), include, external: versions })
    await writeLambdaAsset({ ...request, handlers, codeHashes: hashes, schemas: knownColumns(known), shipFacts })
    const discovers = pipeline.tasks.some(({ discover }) => discover !== undefined)
    const schemas = { ...known, ...sampled }
    return { pipeline, discovers, shipFacts, schemas, ...(await assetBytes(request.outFolder)) }
  })
}
