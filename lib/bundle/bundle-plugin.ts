/** The esbuild plugin of a pipeline: does not bundle installed packages, resolves Fanmill to this library, and keeps `import.meta.url`. */
import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, extname, isAbsolute, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type {
  BuildOptions,
  Loader,
  OnLoadArgs,
  OnLoadResult,
  OnResolveArgs,
  OnResolveResult,
  Plugin,
  PluginBuild,
} from 'esbuild'
import { type BuildRecord, sha256 } from './bundle-inputs.ts'
import { definitionOf, packageOf } from './installed-package.ts'

export interface PipelinePluginOptions {
  /** Folder of the pipeline; texts for code hashes name files relative to it. */
  readonly folder: string
  readonly fanmillUrl: string
  /** `run` imports packages by file URL, so that the bundle can be in any folder; `hash` by name and version, without a path. */
  readonly purpose: 'run' | 'hash'
  /** Is filled with what the build reads. */
  readonly record: BuildRecord
}

/** The options of every build: ES modules for Node, which are not written. */
export const moduleBuild = {
  bundle: true,
  write: false,
  metafile: true,
  platform: 'node',
  format: 'esm',
  charset: 'utf8',
  // Deliberately empty, because esbuild's default includes the "module" condition, which Node does not use.
  conditions: [],
  legalComments: 'none',
  logLevel: 'silent',
} satisfies BuildOptions

/** Defines `require` for CommonJS sources, because ES modules lack it; in one line, so that line numbers do not change. */
export const requireShim = `import { createRequire as __fanmillRequire } from 'node:module'; const require = __fanmillRequire(import.meta.url);`

/** Entries of esbuild's `define` that refer to the names in the plugin's prologues. */
export const fileNames: Readonly<Record<string, string>> = {
  'import.meta.url': '__fanmillUrl',
  'import.meta.filename': '__fanmillFile',
  'import.meta.dirname': '__fanmillFolder',
  __filename: '__fanmillFile',
  __dirname: '__fanmillFolder',
}

/** Creates the esbuild plugin of one build. */
export function pipelinePlugin(options: PipelinePluginOptions): Plugin {
  return {
    name: 'fanmill-pipeline',
    setup(build) {
      build.onResolve({ filter: /./ }, args => recordImport(args, options))
      build.onResolve({ filter: /^fanmill($|\/)/ }, args => resolveFanmill(args, options))
      build.onResolve({ filter: /^[^.]/ }, args => resolvePackage(build, args, options))
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, args => loadSource(args, options))
    },
  }
}

function recordImport(
  { path, kind, resolveDir, pluginData }: OnResolveArgs,
  { record }: PipelinePluginOptions,
): undefined {
  if (kind !== 'entry-point' && pluginData !== 'resolving') record.imports.push({ specifier: path, folder: resolveDir })
}

function resolveFanmill({ path, kind }: OnResolveArgs, { fanmillUrl, purpose }: PipelinePluginOptions) {
  if (purpose === 'hash') return { path, external: true }
  const entry = path.slice('fanmill/'.length)
  const url = path === 'fanmill' ? fanmillUrl : new URL(`./${entry}${extname(fanmillUrl)}`, fanmillUrl).href
  return { path: kind.startsWith('require') ? fileURLToPath(url) : url, external: true }
}

/** Imports plain JavaScript of node_modules from there; everything else (workspaces, TypeScript, JSON) is bundled. */
async function resolvePackage(
  build: PluginBuild,
  { path, kind, importer, namespace, resolveDir, pluginData }: OnResolveArgs,
  { purpose, record }: PipelinePluginOptions,
): Promise<OnResolveResult | undefined> {
  if (kind === 'entry-point' || pluginData === 'resolving' || isBuiltin(path) || isAbsolute(path)) return undefined
  const found = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: 'resolving' })
  const installed = packageOf(found.path)
  if (found.errors.length > 0 || found.external || !installed || !isRunnable(found.path)) return undefined
  const { root, name } = installed
  record.packages.add(root)
  if (purpose === 'hash') return { path: versionedName(found.path, root, name), external: true }
  return { path: kind.startsWith('require') ? found.path : pathToFileURL(found.path).href, external: true }
}

/** Whether Node runs a file as it is installed. */
const isRunnable = (path: string): boolean => /\.([cm]?js|node)$/.test(path)

/** Returns `npm:name@version/file` for an installed file. */
function versionedName(path: string, root: string, name: string): string {
  return `npm:${name}@${installedVersion(root)}/${relative(root, path)}`.replaceAll('\\', '/')
}

function installedVersion(root: string): string {
  try {
    return String(definitionOf(root).version ?? 'unknown')
  } catch {
    return 'unknown'
  }
}

/**
 * Reads a source, whose content is recorded as it goes into the bundle. A source that uses `import.meta` or `__dirname` gets a prologue, so
 * that these point at it and not at the bundle.
 */
async function loadSource({ path }: OnLoadArgs, options: PipelinePluginOptions): Promise<OnLoadResult> {
  const bytes = await readFile(path)
  options.record.sources.set(path, sha256(bytes))
  const source = bytes.toString()
  const usesPlace = /import\.meta\b|__(file|dir)name\b/.test(source)
  const contents = usesPlace ? prologue(path, options) + source.replace(/^#!/, '//') : source
  return { contents, loader: loaderOf(path) }
}

/** Returns a prologue without a line break, so that line numbers do not change. */
function prologue(path: string, { folder, purpose }: PipelinePluginOptions): string {
  const file = purpose === 'hash' ? relative(folder, path) : path
  const url = purpose === 'hash' ? file : pathToFileURL(path).href
  const [quotedUrl, quotedFile, quotedFolder] = [url, file, dirname(file)].map(value => JSON.stringify(value))
  return `const __fanmillUrl=${quotedUrl},__fanmillFile=${quotedFile},__fanmillFolder=${quotedFolder};`
}

export function loaderOf(path: string): Loader {
  const extension = extname(path)
  if (extension === '.tsx') return 'tsx'
  if (extension === '.jsx') return 'jsx'
  return extension.includes('ts') ? 'ts' : 'js'
}
