/** Finds the files that a path names: one file, those that a glob matches, or the data of a folder. */
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { hasArchiveName } from '../archive/archive-kind.ts'
import { PermanentError } from '../errors/errors.ts'
import { withoutCompression } from '../inflate/compression.ts'
import { cutLiteral, escapeGlob, excludedGlob, globMatcher } from '../paths/glob.ts'
import { listKeys } from '../store/disk/list.ts'
import { largestKind, namedKind } from './sample/sample.ts'

export interface DataFiles {
  /** The folder of the files, as the path names it. */
  readonly folder: string
  /** Paths of the files, from that folder. */
  readonly keys: readonly string[]
  /** The glob that matches them, from that folder; undefined for a single file. */
  readonly glob?: string | undefined
  /** Files of other kinds in the folder, whose names show that they are data. */
  readonly others?: readonly string[]
}

/**
 * Returns one file, the files that a glob matches, or those of the kind that has most bytes in a folder and the folders below it.
 * @throws NO_INPUT where there are none
 */
export async function dataFiles(path: string): Promise<DataFiles> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return folderFiles(path)
  const { literal, rest } = cutLiteral(path)
  if (rest === '' || excludedGlob(path) !== undefined || existsSync(path))
    return { folder: dirname(path), keys: [basename(path)] }
  const folder = literal.slice(0, literal.lastIndexOf('/') + 1)
  const glob = `${escapeGlob(literal.slice(folder.length))}${rest}`
  const keys = await keysBelow(folder, glob)
  if (keys.length > 0) return { folder: folder || '.', keys, glob }
  throw new PermanentError('NO_INPUT', `expected files that match ${path}, got none; check the pattern`, { path })
}

/** Returns the files that match, in order. Folders below the last segment of the glob are not read. */
async function keysBelow(folder: string, glob: string): Promise<readonly string[]> {
  const depth = glob.includes('**') ? Number.POSITIVE_INFINITY : glob.split('/').length
  const skips = (key: string): boolean => key.split('/').length > depth || key.endsWith('node_modules/')
  return (await Array.fromAsync(listKeys(resolve(folder), '', skips))).filter(globMatcher(glob)).sort()
}

async function folderFiles(folder: string): Promise<DataFiles> {
  const files: { readonly name: string; readonly inflatedBytes: number }[] = []
  for (const name of await keysBelow(folder, '**'))
    files.push({ name, inflatedBytes: (await stat(join(folder, name))).size })
  const filled = files.filter(({ inflatedBytes }) => inflatedBytes > 0)
  if (filled.length === 0) {
    const message = `expected a folder with files that are not empty, got ${folder}, which has none; check the path`
    throw new PermanentError('NO_INPUT', message, { path: folder })
  }
  const keys = largestKind(filled).map(({ name }) => name)
  const glob = `${keys.some(key => key.includes('/')) ? '**/' : ''}${globOfEndings(keys)}`
  const isOther = (name: string): boolean =>
    (namedKind(name) !== undefined || hasArchiveName(name)) && !keys.includes(name)
  return { folder, keys, glob, others: filled.map(({ name }) => name).filter(isOther) }
}

/** Returns the glob of all names that end like these, in the cases that they are written in: `*.csv`, `*{.csv,.CSV}`. */
export function globOfEndings(names: readonly string[]): string {
  const endings = [...new Set(names.map(endingOf))]
  if (endings.includes('')) return '*'
  const written = endings.map(escapeGlob)
  return written.length === 1 ? `*${written[0]}` : `*{${written.join(',')}}`
}

/** Returns the ending with that of the compression: `.csv.gz`. */
function endingOf(name: string): string {
  const plain = withoutCompression(name)
  return extname(plain) + name.slice(plain.length)
}
