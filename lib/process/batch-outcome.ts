/** Builds the outcome of a batch from the results of its shares, and stores their accounts and rejects. */
import type { Outcome, OutcomePart } from '../model/outcome/outcome.ts'
import type { PlanItem, Slice } from '../model/plan-data.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'
import type { ShareResult } from '../model/share.ts'
import { sumFields } from '../model/sum-fields.ts'
import { runKeys } from '../state/state.ts'
import { settleAll } from '../store/settle-all.ts'
import { keepSkipped } from './keep-skipped.ts'
import type { ProcessTools } from './process-tools.ts'

/** The work of a batch, done. */
export interface ProcessedSlices {
  readonly slices: readonly Slice[]
  readonly results: readonly ShareResult[]
  /** The parts, as they become pending. */
  readonly staged: readonly OutcomePart[] | Promise<readonly OutcomePart[]>
}

/** Returns the outcome without its seconds, which the caller measures. Accounts and rejects are stored while parts are: each waits for the disk. */
export async function buildOutcome(
  run: RunFrame,
  { batch, stage, side }: PlanItem,
  { slices, results, staged }: ProcessedSlices,
  tools: ProcessTools,
): Promise<Omit<Outcome, 'seconds'>> {
  const { token } = tools
  const { runId, attempt } = run
  const keys = runKeys(run, stage)
  const rows = sumFields(results, ['rowsRead', 'rowsWritten', 'rowsRejected'])
  const ranges = results.flatMap(result => result.ranges)
  const skippedMembers = results.flatMap(result => result.skipped)
  const [parts, accounts, skipped, rejects] = await settleAll([
    staged,
    keepAccounts(batch, results, keys, tools),
    keepSkipped(run, batch, skippedMembers, tools),
    keepRejects(batch, results, keys, tools),
  ])
  return {
    ...{ batch, runId, attempt, stage, side, token, parts, ...rows },
    rowsFiltered: rows.rowsRead - rows.rowsWritten,
    ...sumFields(results, ['recordsFound', 'members']),
    membersSkipped: skipped?.count ?? 0,
    skipped,
    ...sumFields(results, ['bytesIn', 'bytesInflated']),
    rowGroupsSkipped: sumFields(results, ['rowGroupsSkipped']).rowGroupsSkipped || undefined,
    slices: slices.map(slice => slice.slice),
    ranges: ranges.length > 0 ? ranges : undefined,
    accounts,
    rejects,
    firstRejects: results.flatMap(result => result.firstRejects).slice(0, 10),
    workers: [...new Map(results.map(({ worker }) => [`${worker.pid}-${worker.thread}`, worker])).values()],
    schema: results.find(result => result.schema.length > 0)?.schema ?? [],
  }
}

type RunKeys = ReturnType<typeof runKeys>
type Results = readonly ShareResult[]

async function keepAccounts(
  batch: number,
  results: Results,
  keys: RunKeys,
  tools: ProcessTools,
): Promise<string | undefined> {
  const files = results.flatMap(result => result.accountFiles)
  if (files.length === 0) return undefined
  const joined = `${tools.partFolder}/${batch}-${tools.token}.accounts`
  const target = files.length === 1 ? (files[0] as string) : joined
  if (files.length !== 1) await tools.workers.run<'accounts'>({ kind: 'accounts', files, target })
  const key = keys.accounts(batch, tools.token)
  await keepFile(key, target, tools)
  for (const file of new Set([...files, target])) await tools.removeFile?.(file)
  return key
}

async function keepRejects(batch: number, results: Results, keys: RunKeys, tools: ProcessTools): Promise<string[]> {
  const kept: string[] = []
  for (const [index, file] of results.flatMap(result => result.rejectFiles).entries()) {
    const key = keys.rejects(batch, `${index}-${tools.token}`)
    await keepFile(key, file, tools)
    kept.push(key)
  }
  return kept
}

async function keepFile(key: string, file: string, { output, readFile }: ProcessTools): Promise<void> {
  await output.write(key, await readFile(file))
}
