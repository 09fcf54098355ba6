/** Records on what a bundle depends, so that a later process can tell whether it is still the same. */
import { createHash } from 'node:crypto'
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path'

/** Paths with their states, each of which may change the bundle. */
export type InputStates = readonly (readonly [path: string, state: string])[]

/** Everything that one build has read and resolved. */
export interface BuildRecord {
  /** SHA-256 of the sources that the plugin passed to the bundler, by path. */
  readonly sources: Map<string, string>
  /** Imports as they are written, with the folder of the importing source. */
  readonly imports: { readonly specifier: string; readonly folder: string }[]
  /** Folders of installed packages that the bundle imports. */
  readonly packages: Set<string>
}

/** Endings that an import may omit or exchange. */
const endings = ['.tsx', '.ts', '.jsx', '.js', '.css', '.json', '.mts', '.cts', '.mjs', '.cjs']
/** Files that change how the sources below their folder are read or found. */
const configNames = ['package.json', 'tsconfig.json', 'jsconfig.json']
/** Time that file systems round times to, at most. */
const clockTickMs = 2000

export interface RecordedBuild {
  /** Absolute paths of all files in the bundle. */
  readonly files: readonly string[]
  readonly records: readonly BuildRecord[]
  /** When the build began. */
  readonly startedMs: number
}

/**
 * Returns the state of each path on which the bundle depends: its files, configuration, installed packages, and all paths where a new
 * file would be found first. Returns undefined where these are not all known, or one may have changed during the build.
 */
export function inputStates({ files, records, startedMs }: RecordedBuild): InputStates | undefined {
  const imports = records.flatMap(record => record.imports)
  const folders = files.flatMap(file => parents(dirname(file)))
  const configs = new Set(folders.flatMap(folder => configNames.map(name => join(folder, name))))
  if (imports.some(({ specifier }) => isMapped(specifier)) || [...configs].some(mapsPaths)) return undefined
  const packages = records.flatMap(record => Array.from(record.packages, folder => join(folder, 'package.json')))
  const paths = new Set([...files.flatMap(replacements), ...configs, ...packages, ...imports.flatMap(candidates)])
  const states: [string, string][] = []
  for (const path of paths) {
    const state = stateOf(path)
    if (!isOfBuild(path, state, records, startedMs)) return undefined
    states.push([path, state])
  }
  return states
}

/** Returns whether all paths have the states that were recorded. */
export function isUnchanged(states: InputStates): boolean {
  return states.every(([path, state]) => stateOf(path) === state)
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Returns what is at a path: nothing, a folder, or a file with a hash of its content, and where a link leads. */
function stateOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return ''
  const target = realpathSync.native(path)
  const place = target === path ? '' : ` ${target}`
  return found.isDirectory() ? `folder${place}` : `${sha256(readFileSync(path))}${place}`
}

/** Returns whether a state was also that of the path while the bundle was built. */
function isOfBuild(path: string, state: string, records: readonly BuildRecord[], startedMs: number): boolean {
  const read = records.flatMap(({ sources }) => sources.get(path) ?? [])
  if (read.length > 0) return read.length === records.length && read.every(hash => state.startsWith(hash))
  if (state === '' || state.startsWith('folder')) return true
  const { mtimeMs, ctimeMs } = statSync(path)
  return Math.max(mtimeMs, ctimeMs) < startedMs - clockTickMs
}

/** Returns whether an import is resolved by a table in package.json, or is no path. */
function isMapped(specifier: string): boolean {
  return specifier.startsWith('#') || /[?*]/.test(specifier)
}

/** Returns whether a tsconfig.json leads to other files. */
function mapsPaths(path: string): boolean {
  if (basename(path) === 'package.json' || stateOf(path) === '') return false
  return /"(?:paths|baseUrl|extends)"/.test(readFileSync(path, 'utf8'))
}

function parents(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...parents(parent)]
}

/** Returns the paths where an import is looked for. */
function candidates({ specifier, folder }: BuildRecord['imports'][number]): string[] {
  if (isBuiltin(specifier)) return []
  if (specifier.startsWith('.') || isAbsolute(specifier)) return fileCandidates(resolve(folder, specifier))
  const [name = ''] = /^(?:@[^/]+\/)?[^/]+/.exec(specifier) ?? []
  return parents(folder).map(parent => join(parent, 'node_modules', name))
}

/** Returns a file of the bundle, and the paths that may be found before it, because `main` and imports within packages omit endings too. */
function replacements(file: string): string[] {
  const isIndex = /^index\.[^.]+$/.test(basename(file))
  return [file, ...fileCandidates(file), ...(isIndex ? fileCandidates(dirname(file)) : [])]
}

function fileCandidates(path: string): string[] {
  const stem = path.slice(0, path.length - extname(path).length)
  const stems = [...new Set([path, stem, join(path, 'index')])]
  return [path, join(path, 'package.json'), ...stems.flatMap(each => endings.map(ending => `${each}${ending}`))]
}
