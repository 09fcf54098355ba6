/** Finds the columns in path templates: `year={year}/month={month}/a.csv` has year and month. */
import type { Source } from './definition.ts'
import { sourcePaths, upstreamOf } from './source-paths.ts'

/** Returns the names that every path of a source has, whatever its placeholders and globs match. */
export function hiveNamesOf(source: Source): readonly string[] {
  if (source.hive === false) return []
  return foldersOf(source).flatMap(folder => {
    const [, name] = /^([^=*?{}[\]]+)=/.exec(folder) ?? []
    return name === undefined ? [] : [decoded(name)]
  })
}

/** Returns whether paths may have more names, which only the inputs show. */
export function mayHaveMoreHive(source: Source): boolean {
  if (source.hive === false) return false
  return foldersOf(source).some(folder => /[*?{[]/.test(folder) && !/^[^=*?{}[\]]+=/.test(folder))
}

function foldersOf(source: Source): readonly string[] {
  const upstream = upstreamOf(source)
  if (!upstream) return sourcePaths(source).flatMap(path => path.split('/').slice(0, -1))
  const { path, partitionBy } = upstream.output
  return [...path.split('/'), ...partitionBy.map(name => `${encodeURIComponent(name)}=*`)]
}

/** Returns the text percent-decoded, or as it is when it is not percent-encoded. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
