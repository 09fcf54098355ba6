/** Reads columns from the path of an input, as Hive writes them: `year=2024/month=01/a.csv`. */
import { decoded } from '../define/columns/hive-names.ts'
import { PermanentError } from '../errors/errors.ts'
import { nullPartition } from './partition-path.ts'

export type HiveValues = Readonly<Record<string, string | null>>

const none: HiveValues = Object.freeze({})

/** Returns the decoded values in the folders of a key, in their order. @throws INPUT_INVALID for a name that it has twice */
export function hiveValues(key: string): HiveValues {
  if (!key.includes('=')) return none
  const found: Record<string, string | null> = {}
  for (const folder of key.split('/').slice(0, -1)) {
    const at = folder.indexOf('=')
    if (at <= 0) continue
    const name = decoded(folder.slice(0, at))
    if (Object.hasOwn(found, name)) {
      const message = `${key}: expected folders of different columns, got ${name}= twice; rename one, or set hive: false`
      throw new PermanentError('INPUT_INVALID', message, { key, column: name })
    }
    const value = folder.slice(at + 1)
    found[name] = value === nullPartition ? null : decoded(value)
  }
  return found
}

/**
 * Returns the columns in the paths of these keys: first the declared ones that any key has, then the others.
 * @throws INPUT_INVALID where the others differ from key to key
 */
export function hiveColumns(keys: Iterable<string>, declared: readonly string[]): readonly string[] {
  const found = new Set<string>()
  let first: { readonly key: string; readonly others: readonly string[] } | undefined
  let folder: string | undefined
  for (const key of keys) {
    // Files of one folder have the same columns.
    const own = key.slice(0, key.lastIndexOf('/') + 1)
    if (own === folder) continue
    folder = own
    const names = Object.keys(hiveValues(key))
    for (const name of names) found.add(name)
    const others = names.filter(name => !declared.includes(name))
    first ??= { key, others }
    if (!sameNames(others, first.others)) throw differingColumnsError(key, others, first)
  }
  return [...declared.filter(name => found.has(name)), ...(first?.others ?? [])]
}

function differingColumnsError(
  key: string,
  names: readonly string[],
  first: { readonly key: string; readonly others: readonly string[] },
): PermanentError {
  const message = `${key}: expected the columns ${listed(first.others)} in its path as in ${first.key}, got ${listed(names)}; declare them in columns, or set hive: false`
  return new PermanentError('INPUT_INVALID', message, { key, names, expected: first.others })
}

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(name => b.includes(name))

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '))
