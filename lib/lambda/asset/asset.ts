/** Writes the code of a pipeline's functions to a folder: handlers, worker threads, the user's module, the engine. */
import { copyFile, glob, mkdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OutputFile } from 'esbuild'
import { assetNames } from '../../aws/lambda-events.ts'
import type { ShipFacts } from '../../aws/ship-facts.ts'
import { entryUrl } from '../../bundle/entry-url.ts'
import { PermanentError } from '../../errors/errors.ts'
import type { SchemaColumn } from '../../model/outcome/manifest.ts'
import { type LambdaArchitecture, lambdaBinding } from './binding.ts'
import { buildForLambda, errorsFile, ownPackages } from './build.ts'
import { copyFolder, copyPackage } from './copy-package.ts'

export interface LambdaAssetOptions {
  /** Path of the pipeline's file. */
  readonly entry: string
  /** Files of the handlers by name; each becomes `<name>.mjs`. */
  readonly handlers: Readonly<Record<string, string>>
  /** Code hashes by task name. */
  readonly codeHashes: Readonly<Record<string, string>>
  /** Output columns by task name, for tasks whose columns are known before a run; default none. */
  readonly schemas?: Readonly<Record<string, readonly SchemaColumn[]>>
  /** The facts by which its functions decide about shipped code; default none, so that they run none. */
  readonly shipFacts?: ShipFacts
  /** Output folder, which must be empty; created when missing. */
  readonly outFolder: string
  readonly architecture: LambdaArchitecture
  /** Globs, relative to the pipeline's folder, of the files that `ctx.file()` reads. */
  readonly include?: readonly string[]
  /** Installed packages to copy with their dependencies instead of bundling them, because they have native parts. */
  readonly external?: readonly string[]
}

/**
 * Writes the same bytes for the same sources, in whatever folder they are. One build bundles all entries, so that they share chunks.
 * @throws DEFINITION_LOAD when something cannot be bundled, found or fetched
 */
export async function writeLambdaAsset(options: LambdaAssetOptions): Promise<void> {
  const { outFolder, architecture, include = [], external = [] } = options
  const entry = resolve(options.entry)
  const modules = join(outFolder, 'node_modules')
  await mkdir(modules, { recursive: true })
  const [files, binding] = await Promise.all([
    bundleEntries({ ...options, entry, external }),
    lambdaBinding(architecture),
  ])
  for (const { path, contents } of files) await writeFile(join(outFolder, basename(path)), contents)
  await writeFile(join(outFolder, assetNames.codeHashes), JSON.stringify(options.codeHashes))
  await writeFile(join(outFolder, assetNames.schemas), JSON.stringify(options.schemas ?? {}))
  if (options.shipFacts) await writeFile(join(outFolder, assetNames.shipFacts), JSON.stringify(options.shipFacts))
  for (const name of ownPackages) await copyPackage(name, import.meta.dirname, modules, { isLean: true })
  await copyFolder(binding.folder, join(modules, binding.name), { isLean: true })
  for (const name of external) await copyPackage(name, dirname(entry), modules, { isLean: false })
  await copyIncluded(include, dirname(entry), join(outFolder, assetNames.files))
}

async function bundleEntries({ entry, handlers, external = [] }: LambdaAssetOptions): Promise<readonly OutputFile[]> {
  const own = (name: 'worker' | 'worker-extract'): string => fileURLToPath(entryUrl(name))
  const threads = { worker: own('worker'), 'worker-extract': own('worker-extract') }
  const entryPoints = { ...handlers, ...threads, errors: errorsFile(), pipeline: entry }
  const handlerFolders = Object.values(handlers).map(file => dirname(file) + sep)
  const { outputFiles } = await buildForLambda({ entry, external, handlerFolders }, { entryPoints, splitting: true })
  return outputFiles
}

/** Copies the files that globs match in `folder`. @throws DEFINITION_LOAD for a glob that matches none, or leaves the folder */
export async function copyIncluded(globs: readonly string[], folder: string, target: string): Promise<void> {
  for (const pattern of globs) {
    let count = 0
    for await (const name of glob(pattern, { cwd: folder })) {
      const source = join(folder, name)
      if (!source.startsWith(folder + sep)) {
        const message = `include: expected files below ${folder}, got ${pattern}`
        throw new PermanentError('DEFINITION_LOAD', message, { pattern })
      }
      if (!(await stat(source)).isFile()) continue
      await mkdir(dirname(join(target, name)), { recursive: true })
      await copyFile(source, join(target, name))
      count++
    }
    if (count === 0) {
      const message = `include: expected files that match ${pattern} below ${folder}, found none`
      throw new PermanentError('DEFINITION_LOAD', message, { pattern })
    }
  }
}
