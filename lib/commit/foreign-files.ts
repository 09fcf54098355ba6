/** Refuses an output that holds files of other programs, and finds what a commit of ours left in it whose journal was damaged. */
import { PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import { pendingOf } from '../model/outcome.ts'
import type { RunName } from '../model/run-identity.ts'
import { isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { mapParallel } from '../state/files.ts'
import { outputPrefix, readOutcome, runKeys, runOfPart } from '../state/state.ts'
import type { Store } from '../store/store.ts'

/** Keys that an error names. */
const shownMax = 10

/** The run that is to write into the output. */
interface WritingRun {
  readonly runId: string
  readonly attempt?: number
  readonly outputPath: string
  readonly outputKind: string
}

/**
 * Lists the output once. Where Parquet is written, every Parquet file is refused that neither the manifest nor an outcome names, except
 * in hidden files and folders (`_` or `.` first), which readers ignore. Where members are extracted, only those of `files` are refused
 * that exist already, because any other may stay.
 * Returns the keys that a commit with a damaged journal made visible: the next commit removes them.
 * @throws OUTPUT_NOT_OURS naming the first ten
 */
export async function refuseForeignFiles(
  store: Store,
  run: WritingRun,
  manifest: Manifest | undefined,
  files: readonly string[] = [],
): Promise<string[]> {
  const isParquet = run.outputKind === 'parquet'
  if (!isParquet && files.length === 0) return []
  const prefix = outputPrefix(run.outputPath)
  const listed = new Set([
    ...(manifest?.parts ?? []).map(part => part.key),
    ...(manifest?.files ?? []).map(file => file.path),
  ])
  const wanted = new Set(files)
  const isInTheWay = (name: string) => wanted.has(name) || (isParquet && name.endsWith('.parquet') && !isHidden(name))
  const unlisted: string[] = []
  for await (const { key } of store.list(prefix)) {
    const name = key.slice(prefix.length)
    if (!listed.has(name) && isInTheWay(name)) unlisted.push(key)
  }
  if (unlisted.length === 0) return []
  const ours = await committedKeys(store, prefix, isParquet ? attemptsOfParts(unlisted) : earlierAttempts(run))
  const foreign = unlisted.filter(key => !ours.has(key)).slice(0, shownMax)
  if (foreign.length === 0) return unlisted
  const what = isParquet ? 'Parquet files' : 'files of the same names'
  const message = `${run.outputPath} holds ${what} that fanmill did not write, such as ${foreign[0]}; move them away, or use another output path`
  throw new PermanentError('OUTPUT_NOT_OURS', message, { outputPath: run.outputPath, keys: foreign })
}

function isHidden(name: string): boolean {
  return name.split('/').some(segment => segment.startsWith('.') || (segment.startsWith('_') && !segment.includes('=')))
}

/** The attempts that parts are named after. */
function attemptsOfParts(keys: readonly string[]): RunName[] {
  const names = new Map<string, RunName>()
  for (const key of keys) {
    const name = runOfPart(key)
    if (name) names.set(`${name.runId}/${name.attempt}`, name)
  }
  return [...names.values()]
}

/** Extracted files have the names of their members: only the run itself is known to write them. */
const earlierAttempts = ({ runId, attempt = 1 }: WritingRun): RunName[] =>
  Array.from({ length: attempt - 1 }, (_, index) => ({ runId, attempt: index + 1 }))

/** Keys that the outcomes of attempts name whose commit began; before a commit nothing of an attempt is visible. */
async function committedKeys(store: Store, prefix: string, attempts: readonly RunName[]): Promise<Set<string>> {
  const keys = new Set<string>()
  await mapParallel(attempts, async ({ runId, attempt }) => {
    const { journal, outcomes } = runKeys(runId, attempt)
    if (!(await store.stat(journal))) return
    for await (const { key } of store.list(outcomes)) {
      const outcome = await readUndamaged(store, key, readOutcome)
      if (!outcome || isDamaged(outcome)) continue
      for (const part of pendingOf(outcome, prefix)) keys.add(part.key)
    }
  })
  return keys
}
