/** Executes a commit's journal to its end, from wherever it stopped; every step may be repeated. */
import type { Actor, Versioned } from '../state/files.ts'
import { type Head, type Journal, outputPrefix, runKeys } from '../state/state.ts'
import { readSuccess } from './head.ts'
import { HeadClaim } from './head-claim.ts'
import { outputCommits } from './output-commit.ts'
import { rollDataset } from './roll-dataset.ts'
import { type Roll, type Rolled, sizesOf } from './roll-parts.ts'
import { rollTable } from './roll-table.ts'

/**
 * Executes the journal: makes the changes of the output in the order of its kind, and then sets the head to committed. With `isResumed` an
 * earlier roll may have done some steps: the output is listed first, so that each call gets further.
 * The head must name the actor as committing this journal's claim. About two requests a part, sixteen at once.
 * @throws OUTPUT_LOCKED when another process took the commit over
 */
export async function rollJournal(
  actor: Actor,
  head: Versioned<Head>,
  journal: Journal,
  { isResumed = false }: { readonly isResumed?: boolean } = {},
): Promise<Rolled> {
  const there = isResumed ? await sizesOf(actor.store, outputPrefix(journal.outputPath)) : undefined
  const roll: Roll = { actor, claim: new HeadClaim(actor, head), journal, there }
  const { next, runId, attempt, outputPath, outputKind = 'parquet' } = journal
  const found = await readSuccess(actor.store, outputPath)
  const change = outputCommits[outputKind].log === undefined ? rollDataset : rollTable
  const rolled: Rolled =
    found?.generation === next.generation ? { status: 'committed', manifest: found } : await change(roll)
  if (rolled.status !== 'committed') return rolled
  const committed = { generation: next.generation, runId, attempt, manifest: runKeys(journal).manifest }
  await roll.claim.finish('commit-head', { committed })
  return rolled
}
