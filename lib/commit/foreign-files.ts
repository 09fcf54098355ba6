/** Refuses an output that holds files of other programs, and finds what a commit of ours left in it whose journal was damaged. */
import { PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { pendingOf } from '../model/outcome/outcome.ts'
import type { RunName } from '../model/run/identity.ts'
import { isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { mapParallel } from '../state/files.ts'
import { outputPrefix, readOutcome, runKeys } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { keysOf } from './next-manifest.ts'
import { outputCommits, type WritingRun } from './output-commit.ts'

/** Keys that an error names. */
const shownMax = 10

/**
 * Lists the output once, where the kind of output allows no files of others in it. Those that the manifest or an outcome names are ours.
 * Returns the keys that a commit with a damaged journal made visible: the next commit removes them.
 * @throws OUTPUT_NOT_OURS naming the first ten
 */
export async function refuseForeignFiles(
  store: Store,
  run: WritingRun,
  manifest: Manifest | undefined,
  files: readonly string[] = [],
): Promise<string[]> {
  const { inTheWay, attemptsOf, foreignFiles } = outputCommits[run.outputKind]
  const isInTheWay = inTheWay(new Set(files))
  if (!isInTheWay) return []
  const prefix = outputPrefix(run.outputPath)
  const listed = new Set(keysOf(manifest))
  const unlisted: string[] = []
  for await (const { key } of store.list(prefix)) {
    const name = key.slice(prefix.length)
    if (!listed.has(name) && isInTheWay(name)) unlisted.push(key)
  }
  if (unlisted.length === 0) return []
  const ours = await committedKeys(store, prefix, attemptsOf(unlisted, run))
  const foreign = unlisted.filter(key => !ours.has(key)).slice(0, shownMax)
  if (foreign.length === 0) return unlisted
  const message = `${run.outputPath} holds ${foreignFiles} that fanmill did not write, such as ${foreign[0]}; move them away, or use another output path`
  throw new PermanentError('OUTPUT_NOT_OURS', message, { outputPath: run.outputPath, keys: foreign })
}

/** Keys that the outcomes of attempts name whose commit began; before a commit nothing of an attempt is visible. */
async function committedKeys(store: Store, prefix: string, attempts: readonly RunName[]): Promise<Set<string>> {
  const keys = new Set<string>()
  await mapParallel(attempts, async name => {
    const { journal, outcomes, stages } = runKeys(name)
    if (!(await store.stat(journal))) return
    const listed = [...(await Array.fromAsync(store.list(outcomes))), ...(await Array.fromAsync(store.list(stages)))]
    for (const { key } of listed.filter(({ key }) => key.includes('/outcomes/'))) {
      const outcome = await readUndamaged(store, key, readOutcome)
      if (!outcome || isDamaged(outcome)) continue
      for (const part of pendingOf(outcome, prefix)) keys.add(part.key)
    }
  })
  return keys
}
