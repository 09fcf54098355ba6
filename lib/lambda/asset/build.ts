/** Bundles a pipeline for deployed functions: alone, or with their handlers. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildFailure, BuildOptions, BuildResult } from 'esbuild'
import { moduleBuild, requireShim } from '../../bundle/bundle-plugin.ts'
import { entryUrl } from '../../bundle/entry-url.ts'
import { PermanentError } from '../../errors/errors.ts'
import { assetPlugin } from './plugin.ts'

/** Packages that are copied instead of bundled: they load files of their own by name, or use what Node warns of outside of packages. */
export const ownPackages = ['@duckdb/node-api', 'piscina', 'seek-bzip']

export interface BuildRequest {
  /** Absolute path of the pipeline's file. */
  readonly entry: string
  /** Packages that are not bundled, besides those of Fanmill. */
  readonly external: readonly string[]
  /** Folders of the handlers, which belong to Fanmill. */
  readonly handlerFolders: readonly string[]
}

/** Returns the files, unwritten. @throws DEFINITION_LOAD when something cannot be bundled */
export async function buildForLambda(
  { entry, external, handlerFolders }: BuildRequest,
  { plugins = [], ...options }: Pick<BuildOptions, 'entryPoints' | 'splitting' | 'loader' | 'plugins'>,
): Promise<BuildResult<{ write: false; metafile: true }>> {
  const { build } = await import('esbuild')
  const root = projectFolder(dirname(entry))
  try {
    return await build({
      ...moduleBuild,
      absWorkingDir: root,
      // Not written: source maps name sources relative to this folder, so that they are the same on every machine.
      outdir: join(root, 'lambda-asset'),
      outExtension: { '.js': '.mjs' },
      chunkNames: 'chunk-[hash]',
      target: 'node24',
      external: [...ownPackages, 'esbuild', ...external].flatMap(name => [name, `${name}/*`]),
      banner: { js: requireShim },
      sourcemap: 'linked',
      sourcesContent: false,
      plugins: [...plugins, assetPlugin(dirname(entry), handlerFolders)],
      ...options,
    })
  } catch (error) {
    throw buildError(entry, error)
  }
}

function buildError(entry: string, error: unknown): PermanentError {
  const [first] = (error as Partial<BuildFailure>).errors ?? []
  const where = first?.location ? `${first.location.file}:${first.location.line}: ` : ''
  const message = `cannot bundle ${entry} for Lambda: ${where}${first?.text ?? String(error)}; a package with native parts must be named in external`
  return new PermanentError('DEFINITION_LOAD', message, { file: entry }, { cause: error })
}

/** Returns the file with the classes of errors, which pipelines, handlers and threads share. */
export function errorsFile(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`./errors/errors.${extension}`, entryUrl('index')))
}

/** Returns the folder of the nearest package.json, from `folder` upwards. */
function projectFolder(folder: string): string {
  if (existsSync(join(folder, 'package.json')) || dirname(folder) === folder) return folder
  return projectFolder(dirname(folder))
}
