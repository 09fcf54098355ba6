/** Where the entries of the library stand: TypeScript in the repository, JavaScript in the published package. */

/** Files below `lib/`. */
export type Entry = 'index' | 'testing' | 'worker' | 'worker-extract' | 'cli/main'

/** File URL of an entry, for `import()`, `new Worker()` and child processes. */
export function entryUrl(entry: Entry): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`../${entry}.${extension}`, import.meta.url).href
}
