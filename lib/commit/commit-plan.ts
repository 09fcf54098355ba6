/** Decides the changes of a commit, and writes them into its journal before the first one. */
import { PermanentError } from '../errors/errors.ts'
import type { Manifest, ManifestRun } from '../model/outcome/manifest.ts'
import { type Outcome, pendingOf, totalsOfRun } from '../model/outcome/outcome.ts'
import { joinSkipped } from '../model/outcome/skipped-member.ts'
import { checkShape, keepsRows } from '../model/schema-fit.ts'
import { type Actor, readVersioned } from '../state/files.ts'
import { type Head, type Journal, outputPrefix, readJournal, runKeys, stateBytes } from '../state/state.ts'
import type { CommitOptions } from './commit-options.ts'
import { refuseForeignFiles } from './foreign-files.ts'
import { type Current, lockedOut } from './head.ts'
import type { HeadClaim } from './head-claim.ts'
import { keysOf, keysToRemove, nextManifest } from './next-manifest.ts'
import { outputCommits } from './output-commit.ts'

interface Decision extends CommitOptions {
  readonly current: Current
  readonly outcomes: readonly Outcome[]
  /** The head with this commit's claim. */
  readonly head: Head
}

/** @throws OUTPUT_NOT_OURS, OUTPUT_EXISTS, OUTPUT_SCHEMA_MISMATCH */
export async function writeJournal(actor: Actor, claim: HeadClaim, decision: Decision): Promise<Journal> {
  const { reservation, current } = decision
  checkExists(reservation, current.manifest)
  checkFits(decision)
  const files = decision.outcomes.flatMap(outcome => (outcome.files ?? []).map(file => file.path))
  const leftovers = await refuseForeignFiles(actor.store, reservation, current.manifest, files)
  const journal = journalOf(decision, leftovers, new Date(actor.now()).toISOString())
  const key = runKeys(reservation).journal
  const bytes = stateBytes(journal)
  await claim.change('write-journal', async () => {
    if ((await actor.store.create(key, bytes)) !== undefined) return
    // The journal of an earlier claim, which was dropped before it changed anything.
    const found = await readVersioned(actor.store, key, readJournal)
    if (found && (await actor.store.replace(key, bytes, found.etag)) !== undefined) return
    throw lockedOut(reservation.outputPath)
  })
  return journal
}

/** Checks again what plan checked, because another run may have been committed since, and inputs may add columns. */
function checkFits({ reservation, current, outcomes, partitionBy }: Decision): void {
  const schema = outcomes.find(outcome => outcome.schema.length > 0)?.schema
  current.checkFits?.({ partitionBy, schema })
  if (!current.standing || !keepsRows(current.standing, reservation)) return
  if (outputCommits[reservation.outputKind].hasShape)
    checkShape(reservation.outputPath, current.standing, { partitionBy, schema })
}

/** @throws OUTPUT_EXISTS when mode is `fail` and other runs are in the output */
export function checkExists(
  run: { readonly mode: string; readonly runId: string; readonly outputPath: string },
  manifest: Manifest | undefined,
): void {
  const others = (manifest?.runs ?? []).filter(one => one.runId !== run.runId)
  if (run.mode !== 'fail' || others.length === 0) return
  const message = `${run.outputPath} holds run ${others[0]?.runId} already, and the output's mode is fail; remove it, or use another path or mode`
  throw new PermanentError('OUTPUT_EXISTS', message, { outputPath: run.outputPath, runs: others.map(one => one.runId) })
}

function journalOf(
  { reservation, pipeline, current, outcomes, head, partitionBy, bucketBy, order, stage, earlier = [] }: Decision,
  leftovers: readonly string[],
  finishedAt: string,
): Journal {
  const { runId, attempt, outputPath, outputKind, mode, replaces } = reservation
  const prefix = outputPrefix(outputPath)
  const generation = head.committing?.generation ?? reservation.generation
  const { hasRowsInParts, hasEmptyPart, log } = outputCommits[outputKind]
  const next = nextManifest(current.standing, {
    ...{ mode, generation, hasRowsInParts, hasEmptyPart, log, partitionBy, bucketBy, order, outcomes, replaces },
    prefixLength: prefix.length,
    run: { ...runOf(reservation, [...earlier, ...outcomes]), pipeline, finishedAt },
  })
  const isNext = new Set(keysOf(next))
  return {
    fanmill: 1,
    claim: head.claims,
    ...{ outputPath, outputKind, mode, runId, attempt, stage },
    previous: current.manifest,
    isPreviousVisible: current.hasSuccess,
    complete: outcomes
      .flatMap(outcome => pendingOf(outcome, prefix).map(part => ({ batch: outcome.batch, ...part })))
      // The others, such as parts without rows, are aborted with everything else that the run left pending.
      .filter(part => isNext.has(part.key.slice(prefix.length))),
    remove: [
      ...keysToRemove(current.manifest, next).map(key => prefix + key),
      ...leftovers.filter(key => !isNext.has(key.slice(prefix.length))),
    ],
    next,
  }
}

function runOf(
  reservation: CommitOptions['reservation'],
  outcomes: readonly Outcome[],
): Omit<ManifestRun, 'pipeline' | 'finishedAt'> {
  const { runId, attempt, task, params, codeHash } = reservation
  const inputs = reservation.inputs.map(({ key, identity, sizeBytes }) => ({ key, identity, sizeBytes }))
  const skipped = joinSkipped([reservation.skipped, ...outcomes.map(outcome => outcome.skipped)])
  const totals = totalsOfRun(outcomes)
  return { runId, attempt, task, params, codeHash, inputs, totals, ...(skipped && { skipped }) }
}
