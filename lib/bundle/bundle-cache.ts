/** Finds the bundle that an earlier process left in a folder, where nothing that it depends on has changed. */
import { closeSync, fstatSync, openSync, readFileSync, utimesSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { temporaryPath } from '../store/disk/files.ts'
import { type InputStates, isUnchanged, sha256 } from './bundle-inputs.ts'

/** What a bundle is made from, besides the files that its sources name. */
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
    const entry = JSON.parse(readOwn(entryPath(origin))) as Entry
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

/** Writes the entry of a bundle whose files exist. A folder that cannot be written is no error. */
export async function keepBundle(origin: BundleOrigin, bundle: CachedBundle, states: InputStates): Promise<void> {
  const path = entryPath(origin)
  const temporary = temporaryPath(dirname(path))
  try {
    const [code = '', map = ''] = pathsOf(origin, bundle).map(file => sha256(readFileSync(file)))
    const entry: Entry = { ...bundle, origin: originOf(origin), states, hashes: [code, map] }
    await writeFile(temporary, JSON.stringify(entry), { mode: 0o600, flag: 'wx' })
    await rename(temporary, path)
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

const pathsOf = ({ folder }: BundleOrigin, { name }: CachedBundle): string[] =>
  [name, `${name}.map`].map(each => join(folder, each))

/** Sets the time of a file, because `clean` removes what has not been used for long. */
function markUsed(path: string): void {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch {
    // Deliberately ignored, because another user may have written the same file.
  }
}

/** Users have entries of their own, which others cannot read. */
const originOf = ({ entry, fanmillUrl, versions }: BundleOrigin): readonly unknown[] => [
  ...[entry, fanmillUrl, versions, process.getuid?.() ?? '', process.env.NODE_PATH ?? ''],
]

function entryPath(origin: BundleOrigin): string {
  const { entry, folder } = origin
  const hash = sha256(JSON.stringify(originOf(origin))).slice(0, 16)
  return join(folder, `${basename(entry, extname(entry))}-${hash}.json`)
}

/** Reads a file that this user alone can write. */
function readOwn(path: string): string {
  const file = openSync(path, 'r')
  try {
    const { uid, mode } = fstatSync(file)
    const isOwn = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
    if (!isOwn) throw new Error(`${path} may have been written by another user`)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
