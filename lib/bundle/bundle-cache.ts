/** Finds the bundle that an earlier process left in a folder, where nothing that it depends on has changed. */
import { readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { type InputStates, isUnchanged, sha256 } from './bundle-inputs.ts'
import { markUsed, readOwnFile, writeOwnFile } from './own-file.ts'

/** The origin of a bundle, besides the files that its sources name. */
export interface BundleOrigin {
  /** Absolute path of the pipeline file. */
  readonly entry: string
  /** Folder of the bundle. */
  readonly folder: string
  readonly fanmillUrl: string
  /** Versions of this library and of the bundler. */
  readonly versions: readonly string[]
}

export interface CachedBundle {
  /** Name of the bundle's file in the folder; that of its source map has `.map` behind it. */
  readonly name: string
  /** Absolute paths of the sources. */
  readonly files: readonly string[]
  readonly hashText: string
}

/** The file that describes a bundle, beside it. */
interface Entry extends CachedBundle {
  readonly origin: readonly unknown[]
  readonly states: InputStates
  /** SHA-256 of the bundle and of its source map. */
  readonly hashes: readonly [string, string]
}

/**
 * Returns the bundle of this origin; undefined where there is none, a source, configuration or package has changed, or a file is damaged.
 * An entry that another user may have written is not used, because a bundle is code.
 */
export function findBundle(origin: BundleOrigin): CachedBundle | undefined {
  try {
    const entry = JSON.parse(readOwnFile(entryPath(origin))) as Entry
    if (JSON.stringify(entry.origin) !== JSON.stringify(originOf(origin)) || !isUnchanged(entry.states))
      return undefined
    const paths = pathsOf(origin, entry)
    if (paths.some((path, n) => sha256(readFileSync(path)) !== entry.hashes[n])) return undefined
    for (const path of [entryPath(origin), ...paths]) markUsed(path)
    return entry
  } catch {
    // Whatever is wrong with the entry, the bundle is built again.
    return undefined
  }
}

/** Writes the entry of a bundle whose files exist. */
export function keepBundle(origin: BundleOrigin, bundle: CachedBundle, states: InputStates): void {
  const [code = '', map = ''] = pathsOf(origin, bundle).map(file => sha256(readFileSync(file)))
  const entry: Entry = { ...bundle, origin: originOf(origin), states, hashes: [code, map] }
  writeOwnFile(entryPath(origin), JSON.stringify(entry))
}

/** Returns the path of the file for the code hashes of the tasks in a bundle. */
export const hashesPath = (origin: BundleOrigin): string => `${entryPath(origin).slice(0, -'.json'.length)}.hashes.json`

const pathsOf = ({ folder }: BundleOrigin, { name }: CachedBundle): string[] =>
  [name, `${name}.map`].map(each => join(folder, each))

/** Users have entries of their own, which others cannot read. */
const originOf = ({ entry, fanmillUrl, versions }: BundleOrigin): readonly unknown[] => [
  ...[entry, fanmillUrl, versions, process.getuid?.() ?? '', process.env.NODE_PATH ?? ''],
]

function entryPath(origin: BundleOrigin): string {
  const { entry, folder } = origin
  const hash = sha256(JSON.stringify(originOf(origin))).slice(0, 16)
  return join(folder, `${basename(entry, extname(entry))}-${hash}.json`)
}
