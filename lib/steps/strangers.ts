/** Finds parts in an output that no manifest of it lists: somebody else's, which a reader would take for ours. */
import { PermanentError } from '../core/errors.ts'
import type { Manifest } from '../core/manifest.ts'
import { outputPrefix } from '../core/state.ts'
import type { Store } from '../core/store.ts'

/** Keys that an error names. */
const shownMax = 10

/**
 * Lists the output once; hidden files and folders (`_` or `.` first) are nobody's parts.
 * @throws OUTPUT_NOT_OURS naming the first ten
 */
export async function checkStrangers(
  store: Store,
  run: { readonly outputPath: string; readonly outputKind: string },
  manifest: Manifest | undefined,
): Promise<void> {
  if (run.outputKind !== 'parquet') return
  const prefix = outputPrefix(run.outputPath)
  const ours = new Set((manifest?.parts ?? []).map(part => part.key))
  const strangers: string[] = []
  for await (const { key } of store.list(prefix)) {
    const name = key.slice(prefix.length)
    if (!name.endsWith('.parquet') || ours.has(name) || isHidden(name)) continue
    strangers.push(key)
    if (strangers.length === shownMax) break
  }
  if (strangers.length === 0) return
  const message = `${run.outputPath} holds Parquet files that fanmill did not write, such as ${strangers[0]}; move them away, or use another output path`
  throw new PermanentError('OUTPUT_NOT_OURS', message, { outputPath: run.outputPath, keys: strangers })
}

function isHidden(name: string): boolean {
  return name.split('/').some(segment => segment.startsWith('.') || (segment.startsWith('_') && !segment.includes('=')))
}
