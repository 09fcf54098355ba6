/** Finds the columns in path templates: `year={year}/month={month}/a.csv` has year and month. */
import type { Source } from '../definition.ts'
import { sourcePaths } from '../sources/source-paths.ts'

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

const foldersOf = (source: Source): readonly string[] =>
  sourcePaths(source).flatMap(path => path.split('/').slice(0, -1))

/** Returns the text percent-decoded, or as it is when it is not percent-encoded. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
