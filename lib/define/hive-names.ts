/** Names of columns in path templates: `year={year}/month={month}/a.csv` has year and month. */
import type { Source } from './definition.ts'

/** The names that every path of a template has, whatever its placeholders and stars stand for. */
export function hiveNamesOf(source: Source): readonly string[] {
  if (source.hive === false) return []
  const folders = source.paths.split('/').slice(0, -1)
  return folders.flatMap(folder => {
    const [, name] = /^([^=*?{}[\]]+)=/.exec(folder) ?? []
    return name === undefined ? [] : [decoded(name)]
  })
}

/** Whether paths may have further names, which only the inputs tell. */
export function mayHaveMoreHive(source: Source): boolean {
  if (source.hive === false) return false
  const folders = source.paths.split('/').slice(0, -1)
  return folders.some(folder => /[*?{[]/.test(folder) && !/^[^=*?{}[\]]+=/.test(folder))
}

/** As it stands where it is no percent encoding. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
