/** The state of a Delta table as an output: its log is the truth, and the manifest only lists the runs and parts of this output. */
import type { OutputMode } from '../define/outputs/output-definition.ts'
import { encodedPath } from '../delta/file-paths.ts'
import { type DeltaTable, readTable, tableName } from '../delta/read-table.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import { checkChange, checkTable, type TableMode } from '../delta/table-change.ts'
import { PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { RunShape } from '../model/schema-fit.ts'
import type { Actor } from '../state/files.ts'
import { outputPrefix } from '../state/state.ts'
import type { Current } from './head.ts'

export const tableOf = ({ store, checkpoints }: Actor, outputPath: string): DeltaTable => ({
  store,
  prefix: outputPrefix(outputPath),
  checkpoints,
})

/** Returns the id of an output among the applications that write to a table. */
export const appIdOf = (outputPath: string): string => `fanmill:${outputPath}`

/** Returns the mode as the log has it. */
export const tableMode = (mode: OutputMode): TableMode =>
  mode === 'append' || mode === 'replacePartitions' ? mode : 'overwrite'

/**
 * Compares the manifest with the log. A run counts as complete when the log has the transaction of its commit; one that replaces rows
 * only while all files that it added are part of the table. `_SUCCESS` is only a flag: without it nothing is done again.
 * @throws DELTA_INVALID, DELTA_UNSUPPORTED
 */
export async function viewTable(
  actor: Actor,
  { outputPath, mode }: { readonly outputPath: string; readonly mode: OutputMode },
  { manifest }: Current,
): Promise<Current> {
  const table = tableOf(actor, outputPath)
  const snapshot = await readTable(table)
  const generation = snapshot?.transactions.get(appIdOf(outputPath))?.version ?? 0
  const checkFits = (run: RunShape): void => checkRun(table, snapshot, { ...run, mode })
  // A table that was made anew, or taken back to an older version by hand, holds nothing of ours.
  if (!manifest || !snapshot || generation < manifest.generation) return { hasSuccess: false, generation, checkFits }
  const standing = withoutInactive(manifest, snapshot, mode)
  const checkRemovable = (runId: string): void => checkFiles(table, { runId, manifest: standing, snapshot })
  return { manifest: standing, standing, hasSuccess: true, generation, checkFits, checkRemovable }
}

/** Refuses to replace the rows of a run when some of its files are gone and others have files in the table: these may hold its rows, which would stay. */
function checkFiles(
  table: DeltaTable,
  { runId, manifest, snapshot }: { readonly runId: string; readonly manifest: Manifest; readonly snapshot: Snapshot },
): void {
  const { parts, runs } = manifest
  const own = parts.filter(part => part.runId === runId).reduce((sum, part) => sum + part.rows, 0)
  const all = runs.find(run => run.runId === runId)?.totals.rows ?? 0
  if (own === all || snapshot.files.size === parts.length) return
  const message = `${tableName(table)}: cannot append the inputs of run ${runId} again: another program, which compacted or changed the table, has removed files with ${all - own} of its rows and may have these in files of its own; write all rows anew with mode 'overwrite'`
  throw new PermanentError('INPUT_ALREADY_APPENDED', message, { runId, rows: own, rowsExpected: all })
}

/** Leaves out parts that other writers removed from the table. Unless rows are only appended, their runs are no longer complete. */
function withoutInactive(manifest: Manifest, { files }: Snapshot, mode: OutputMode): Manifest {
  const parts = manifest.parts.filter(part => files.has(encodedPath(part.key)))
  if (mode === 'append' || parts.length === manifest.parts.length) return { ...manifest, parts }
  const active = new Set(parts)
  const changed = new Set(manifest.parts.filter(part => !active.has(part)).map(part => part.runId))
  const runs = manifest.runs.map(run => (changed.has(run.runId) ? { ...run, isReplaced: true } : run))
  return { ...manifest, runs, parts }
}

function checkRun(
  table: DeltaTable,
  snapshot: Snapshot | undefined,
  { partitionBy = [], schema = [], mode }: RunShape & { readonly mode: OutputMode },
): void {
  const change = { table: tableName(table), mode: tableMode(mode), partitionBy, added: [], replaced: [], now: 0 }
  if (schema.length > 0) checkChange(snapshot, { ...change, schema })
  else if (snapshot) checkTable(snapshot, change)
}
