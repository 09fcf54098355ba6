/** Finds files in an output that no manifest of it lists: somebody else's, which a reader would take for ours, or that would be lost. */
import { PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import { outputPrefix } from '../state/state.ts'
import type { Store } from '../store/store.ts'

/** Keys that an error names. */
const shownMax = 10

/**
 * Lists the output once. Where Parquet is written, every other Parquet file is a stranger, but for hidden files and folders (`_` or `.`
 * first), which are nobody's parts; where members are extracted, only those `files` that are there already are, for any other may stay.
 * @throws OUTPUT_NOT_OURS naming the first ten
 */
export async function checkStrangers(
  store: Store,
  run: { readonly outputPath: string; readonly outputKind: string },
  manifest: Manifest | undefined,
  files: readonly string[] = [],
): Promise<void> {
  if (run.outputKind !== 'parquet' && files.length === 0) return
  const prefix = outputPrefix(run.outputPath)
  const ours = new Set([
    ...(manifest?.parts ?? []).map(part => part.key),
    ...(manifest?.files ?? []).map(file => file.path),
  ])
  const wanted = new Set(files)
  const isInTheWay = (name: string) =>
    wanted.has(name) || (run.outputKind === 'parquet' && name.endsWith('.parquet') && !isHidden(name))
  const strangers: string[] = []
  for await (const { key } of store.list(prefix)) {
    const name = key.slice(prefix.length)
    if (ours.has(name) || !isInTheWay(name)) continue
    strangers.push(key)
    if (strangers.length === shownMax) break
  }
  if (strangers.length === 0) return
  const what = run.outputKind === 'parquet' ? 'Parquet files' : 'files of the same names'
  const message = `${run.outputPath} holds ${what} that fanmill did not write, such as ${strangers[0]}; move them away, or use another output path`
  throw new PermanentError('OUTPUT_NOT_OURS', message, { outputPath: run.outputPath, keys: strangers })
}

function isHidden(name: string): boolean {
  return name.split('/').some(segment => segment.startsWith('.') || (segment.startsWith('_') && !segment.includes('=')))
}
