/** How esbuild sees a pipeline: installed packages stay outside, Fanmill is our own, `import.meta.url` stays true. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, extname, isAbsolute, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Loader, OnLoadArgs, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild'

export interface PipelinePluginOptions {
  /** Folder of the pipeline: texts for hashing name files relative to it. */
  readonly folder: string
  readonly fanmillUrl: string
  /** `run`: packages by file URL, so that the bundle may live anywhere. `hash`: by name and version, without any path. */
  readonly purpose: 'run' | 'hash'
}

/** What `define` must hold for the plugin's prologues to be used. */
export const fileNames: Readonly<Record<string, string>> = {
  'import.meta.url': '__fanmillUrl',
  'import.meta.filename': '__fanmillFile',
  'import.meta.dirname': '__fanmillFolder',
  __filename: '__fanmillFile',
  __dirname: '__fanmillFolder',
}

/** The esbuild plugin of one build. */
export function pipelinePlugin(options: PipelinePluginOptions): Plugin {
  return {
    name: 'fanmill-pipeline',
    setup(build) {
      build.onResolve({ filter: /^fanmill($|\/)/ }, args => resolveFanmill(args, options))
      build.onResolve({ filter: /^[^.]/ }, args => resolvePackage(build, args, options))
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, args => loadSource(args, options))
    },
  }
}

function resolveFanmill(
  { path, kind }: OnResolveArgs,
  { fanmillUrl, purpose }: PipelinePluginOptions,
): OnResolveResult {
  if (purpose === 'hash') return { path, external: true }
  const entry = path.slice('fanmill/'.length)
  const url = path === 'fanmill' ? fanmillUrl : new URL(`./${entry}${extname(fanmillUrl)}`, fanmillUrl).href
  return { path: kind.startsWith('require') ? fileURLToPath(url) : url, external: true }
}

/** Plain JavaScript of node_modules stays outside; all else (workspaces, TypeScript, JSON) is bundled. */
async function resolvePackage(
  build: PluginBuild,
  { path, kind, importer, namespace, resolveDir, pluginData }: OnResolveArgs,
  { purpose }: PipelinePluginOptions,
): Promise<OnResolveResult | undefined> {
  if (kind === 'entry-point' || pluginData === 'resolving' || isBuiltin(path) || isAbsolute(path)) return undefined
  const found = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: 'resolving' })
  if (found.errors.length > 0 || found.external || !isInstalled(found.path)) return undefined
  if (purpose === 'hash') return { path: versionedName(found.path), external: true }
  return { path: kind.startsWith('require') ? found.path : pathToFileURL(found.path).href, external: true }
}

function isInstalled(path: string): boolean {
  return /[\\/]node_modules[\\/]/.test(path) && /\.([cm]?js|node)$/.test(path)
}

/** `npm:name@version/file` of an installed file. */
function versionedName(path: string): string {
  const [, folder = '', name = ''] = /^(.*[\\/]node_modules[\\/])(@[^\\/]+[\\/][^\\/]+|[^\\/]+)/.exec(path) ?? []
  const root = join(folder, name)
  return `npm:${name}@${installedVersion(root)}/${relative(root, path)}`.replaceAll('\\', '/')
}

function installedVersion(root: string): string {
  try {
    return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: string }).version ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

/** A source that asks where it stands is told its own place, not the bundle's. */
async function loadSource({ path }: OnLoadArgs, options: PipelinePluginOptions): Promise<OnLoadResult | undefined> {
  const source = await readFile(path, 'utf8')
  if (!/import\.meta\b|__(file|dir)name\b/.test(source)) return undefined
  return { contents: prologue(path, options) + source.replace(/^#!/, '//'), loader: loaderOf(path) }
}

/** One line without a break, so that line numbers stay. */
function prologue(path: string, { folder, purpose }: PipelinePluginOptions): string {
  const file = purpose === 'hash' ? relative(folder, path) : path
  const url = purpose === 'hash' ? file : pathToFileURL(path).href
  const [quotedUrl, quotedFile, quotedFolder] = [url, file, dirname(file)].map(value => JSON.stringify(value))
  return `const __fanmillUrl=${quotedUrl},__fanmillFile=${quotedFile},__fanmillFolder=${quotedFolder};`
}

function loaderOf(path: string): Loader {
  const extension = extname(path)
  if (extension === '.tsx') return 'tsx'
  if (extension === '.jsx') return 'jsx'
  return extension.includes('ts') ? 'ts' : 'js'
}
