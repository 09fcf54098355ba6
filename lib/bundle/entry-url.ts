/** URLs of the library's entries: TypeScript in the repository, JavaScript in the published package. */

/** Entries by their path below `lib/`. */
export type Entry =
  | 'index'
  | 'fanmill'
  | 'testing'
  | 'worker'
  | 'worker-kept'
  | 'worker-extract'
  | 'worker-map'
  | 'cli/main'

/** Returns the file URL of an entry, for `import()`, `new Worker()` and child processes. */
export function entryUrl(entry: Entry): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`../${entry}.${extension}`, import.meta.url).href
}
