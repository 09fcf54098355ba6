/** Writes the code of a pipeline's functions to a folder: handlers, worker threads, the user's module, the engine. */
import { existsSync } from 'node:fs'
import { copyFile, glob, mkdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildFailure, OutputFile } from 'esbuild'
import { assetNames } from '../../aws/lambda-events.ts'
import { entryUrl } from '../../bundle/entry-url.ts'
import { PermanentError } from '../../errors/errors.ts'
import type { SchemaColumn } from '../../model/manifest.ts'
import { type LambdaArchitecture, lambdaBinding } from './binding.ts'
import { copyFolder, copyPackage } from './copy-package.ts'
import { assetPlugin } from './plugin.ts'

export interface LambdaAssetOptions {
  /** Path of the pipeline's file. */
  readonly entry: string
  /** Files of the handlers by name; each becomes `<name>.mjs`. */
  readonly handlers: Readonly<Record<string, string>>
  /** Code hashes by task name. */
  readonly codeHashes: Readonly<Record<string, string>>
  /** Output columns by task name, for tasks whose columns are known before a run; default none. */
  readonly schemas?: Readonly<Record<string, readonly SchemaColumn[]>>
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
  for (const name of ownPackages) await copyPackage(name, import.meta.dirname, modules, { isLean: true })
  await copyFolder(binding.folder, join(modules, binding.name), { isLean: true })
  for (const name of external) await copyPackage(name, dirname(entry), modules, { isLean: false })
  await copyIncluded(include, dirname(entry), join(outFolder, assetNames.files))
}

/** Packages that are copied instead of bundled: they load files of their own by name, or use what Node warns of outside of packages. */
const ownPackages = ['@duckdb/node-api', 'piscina', 'seek-bzip']

interface BundleRequest extends LambdaAssetOptions {
  readonly external: readonly string[]
}

async function bundleEntries({ entry, handlers, external }: BundleRequest): Promise<readonly OutputFile[]> {
  const { build } = await import('esbuild')
  const root = projectFolder(dirname(entry))
  const own = (name: 'worker' | 'worker-extract'): string => fileURLToPath(entryUrl(name))
  try {
    const result = await build({
      absWorkingDir: root,
      entryPoints: { ...handlers, worker: own('worker'), 'worker-extract': own('worker-extract'), pipeline: entry },
      // Not written: source maps name sources relative to this folder, so that they are the same on every machine.
      outdir: join(root, 'lambda-asset'),
      write: false,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      chunkNames: 'chunk-[hash]',
      platform: 'node',
      format: 'esm',
      target: 'node24',
      charset: 'utf8',
      // Deliberately empty, because esbuild's default includes the "module" condition, which Node does not use.
      conditions: [],
      external: [...ownPackages, 'esbuild', ...external].flatMap(name => [name, `${name}/*`]),
      banner: { js: requireShim },
      legalComments: 'none',
      sourcemap: 'linked',
      sourcesContent: false,
      logLevel: 'silent',
      plugins: [
        assetPlugin({
          folder: dirname(entry),
          handlerFolders: Object.values(handlers).map(file => dirname(file) + sep),
        }),
      ],
    })
    return result.outputFiles
  } catch (error) {
    throw buildError(entry, error)
  }
}

/** Defines `require` for CommonJS packages, because ES modules lack it. */
const requireShim = `import { createRequire as __fanmillRequire } from 'node:module'; const require = __fanmillRequire(import.meta.url);`

function buildError(entry: string, error: unknown): PermanentError {
  const [first] = (error as Partial<BuildFailure>).errors ?? []
  const where = first?.location ? `${first.location.file}:${first.location.line}: ` : ''
  const message = `cannot bundle ${entry} for Lambda: ${where}${first?.text ?? String(error)}; a package with native parts must be named in external`
  return new PermanentError('DEFINITION_LOAD', message, { file: entry }, { cause: error })
}

/** Returns the folder of the nearest package.json, from `folder` upwards. */
function projectFolder(folder: string): string {
  if (existsSync(join(folder, 'package.json')) || dirname(folder) === folder) return folder
  return projectFolder(dirname(folder))
}

async function copyIncluded(globs: readonly string[], folder: string, target: string): Promise<void> {
  for (const pattern of globs) {
    let count = 0
    for await (const name of glob(pattern, { cwd: folder })) {
      const source = join(folder, name)
      if (!source.startsWith(folder + sep)) throw outsideFolder(pattern, folder)
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

const outsideFolder = (pattern: string, folder: string): PermanentError =>
  new PermanentError('DEFINITION_LOAD', `include: expected files below ${folder}, got ${pattern}`, { pattern })
