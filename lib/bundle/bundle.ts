/** Bundles the user's pipeline into one ES module that any thread can import by URL, and a text for code hashes. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildFailure, BuildOptions, BuildResult, Message } from 'esbuild'
import { PermanentError } from '../errors/errors.ts'
import { withFaults } from '../store/disk/fault.ts'
import { sweepTemporary, temporaryPath } from '../store/disk/files.ts'
import { makeFolder } from '../store/disk/folders.ts'
import { type BundleOrigin, type CachedBundle, findBundle, hashesPath, keepBundle } from './bundle-cache.ts'
import { type BuildRecord, inputStates, sha256 } from './bundle-inputs.ts'
import { fileNames, moduleBuild, type PipelinePluginOptions, pipelinePlugin, requireShim } from './bundle-plugin.ts'
import { entryUrl } from './entry-url.ts'
import { bundleVersions } from './own-versions.ts'
import { checkPipelineFile } from './pipeline-path.ts'

/** A bundle, as plain data that can be sent to threads. */
export interface Bundle {
  /** Path of the pipeline file, as the user named it. */
  readonly file: string
  /** File URL of the bundle; its name contains a hash of its content. */
  readonly url: string
  /** Absolute paths of the sources. */
  readonly files: readonly string[]
  /** Absolute path of the source map. */
  readonly sourceMap: string
  /** The same module without comments and paths, for code hashes. */
  readonly hashText: string
  /** File that keeps the code hashes for later processes; absent where the bundle is for this process alone. */
  readonly hashesFile?: string | undefined
}

export interface BundleOptions {
  /** Folder of the bundle; created when missing. */
  readonly outFolder: string
  /** URL that `import 'fanmill'` resolves to; default this library, so that definitions are of the same classes. */
  readonly fanmillUrl?: string
  /** The kind of the file, for messages; default `a pipeline file`. */
  readonly what?: string
  /** Takes the bundle that an earlier process left in the folder, where nothing that it depends on has changed; default false. */
  readonly reuse?: boolean
}

/**
 * Bundles a pipeline and what it imports from its own sources and workspaces; installed packages are imported from
 * where they are installed.
 * @throws DEFINITION_LOAD with file, line and column when a source is missing or wrong.
 */
export async function bundlePipeline(
  file: string,
  { outFolder, fanmillUrl = entryUrl('fanmill'), what, reuse = false }: BundleOptions,
): Promise<Bundle> {
  await checkPipelineFile(file, what)
  const folder = resolve(outFolder)
  const origin = { entry: resolve(file), folder, fanmillUrl, versions: bundleVersions() }
  const bundle = (reuse && findBundle(origin)) || (await writeBundle(file, origin, reuse))
  const path = join(folder, bundle.name)
  const { files, hashText } = bundle
  const hashesFile = reuse ? hashesPath(origin) : undefined
  return { file, url: pathToFileURL(path).href, files, sourceMap: `${path}.map`, hashText, hashesFile }
}

async function writeBundle(file: string, origin: BundleOrigin, keep: boolean): Promise<CachedBundle> {
  const { entry, folder: target, fanmillUrl } = origin
  const folder = dirname(entry)
  const startedMs = Date.now()
  const records: BuildRecord[] = []
  const plugin = (purpose: PipelinePluginOptions['purpose']): PipelinePluginOptions => {
    const record: BuildRecord = { sources: new Map(), imports: [], packages: new Set() }
    records.push(record)
    return { folder, fanmillUrl, purpose, record }
  }
  const [run, hash] = await Promise.all([
    build(file, { ...options(entry, plugin('run')), outdir: target, sourcemap: 'external' }),
    build(file, { ...options(entry, plugin('hash')), minifyWhitespace: true }),
  ])
  const text = outputText(run, '.js')
  const name = `${basename(entry, extname(entry))}-${sha256(text).slice(0, 16)}.mjs`
  const path = join(target, name)
  await (keep ? makeFolder(target) : mkdir(target, { recursive: true }))
  await sweepTemporary(target)
  await writeWhole(`${path}.map`, outputText(run, '.js.map'))
  await writeWhole(path, `${withRequire(text)}//# sourceMappingURL=${encodeURIComponent(name)}.map\n`)
  const files = Object.keys(run.metafile?.inputs ?? {}).map(input => join(folder, input))
  const bundle = { name, files, hashText: outputText(hash, '.js') }
  // A pattern in `import()` bundles whatever files match it.
  const states = keep && !text.includes('__glob(') && inputStates({ files: [entry, ...files], records, startedMs })
  if (states) keepBundle(origin, bundle, states)
  return bundle
}

function options(entry: string, plugin: PipelinePluginOptions): BuildOptions {
  return {
    ...moduleBuild,
    absWorkingDir: plugin.folder,
    // Relative, because a star in the path of a folder would be a pattern.
    entryPoints: [`./${basename(entry)}`],
    outdir: plugin.folder,
    target: 'node20',
    define: { ...fileNames },
    plugins: [pipelinePlugin(plugin)],
  }
}

async function build(file: string, buildOptions: BuildOptions): Promise<BuildResult> {
  const esbuild = await import('esbuild')
  try {
    return await esbuild.build(buildOptions)
  } catch (error) {
    throw buildError(file, error)
  }
}

function buildError(file: string, error: unknown): PermanentError {
  const [first] = (error as Partial<BuildFailure>).errors ?? []
  if (!first) return new PermanentError('DEFINITION_LOAD', `cannot bundle ${file}`, { file }, { cause: error })
  const { file: source, line, column } = place(file, first)
  const message = `cannot load ${source}:${line}:${column}: ${first.text}${advice(first)}`
  return new PermanentError('DEFINITION_LOAD', message, { file: source, line, column, text: first.text })
}

/** Returns line and column counted from 1, as editors do, and the file relative to the folder that the user named. */
function place(file: string, { location }: Message): { file: string; line: number; column: number } {
  if (!location) return { file, line: 1, column: 1 }
  return { file: join(dirname(file), location.file), line: location.line, column: location.column + 1 }
}

function advice({ text, location, notes }: Message): string {
  if (location?.suggestion) return `; did you mean ${location.suggestion}`
  const [note] = notes
  // esbuild advises one of its own options.
  if (note?.text.startsWith('You can mark the path')) return `; ${packageAdvice(text)}`
  return note ? `; ${note.text}` : ''
}

function packageAdvice(text: string): string {
  const [, name = ''] = /"((?:@[^/"]+\/)?[^/"]+)/.exec(text) ?? []
  return `install the package: npm install ${name}`
}

function outputText({ outputFiles = [] }: BuildResult, ending: string): string {
  const found = outputFiles.find(output => output.path.endsWith(ending))
  if (!found) throw new Error(`esbuild gave no ${ending}`)
  return found.text
}

/** Defines `require` where sources of a workspace use it. */
const withRequire = (text: string): string => (text.includes('typeof require') ? `${requireShim} ${text}` : text)

/** Writes a file as a whole, because another process may write the same bundle at the same time. */
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = temporaryPath(dirname(path))
  try {
    await withFaults('write', path, () => writeFile(temporary, text).then(() => rename(temporary, path)))
  } finally {
    await rm(temporary, { force: true })
  }
}
