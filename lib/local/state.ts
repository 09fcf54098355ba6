/** Reads what ran, and what was rejected, from the state below an output root. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { useEngine } from '../duckdb/engine.ts'
import { rejectSchema } from '../engine/write/reject-rows.ts'
import type { Reject } from '../model/outcome/reject.ts'
import { openReader, readRows } from '../query/dataset.ts'
import { listRuns as listAll, type RunSummary, readRun } from '../runs/runs.ts'
import { openStore } from '../store/open-store.ts'
import { inOwnFolder } from '../store/own-folder.ts'
import { defaultOutput, rootSpec } from '../store/roots.ts'
import type { Store } from '../store/store.ts'
import { isAlive } from '../threads/pool/machine.ts'
import type { RejectsOptions, RunsOptions, StatusOptions } from './options/api-options.ts'

export type { RunSummary } from '../runs/runs.ts'

const clock = { now: () => Date.now(), isAlive }

/** Lists every attempt of every run, the latest start first. With a limit much less is read. */
export function listRuns({ output = defaultOutput, limit, ...access }: RunsOptions = {}): Promise<RunSummary[]> {
  return listAll(openStore(rootSpec(output, access)), clock, limit)
}

/** Returns the latest attempt of a run. @throws RUN_UNKNOWN */
export function readStatus({ output = defaultOutput, runId, ...access }: StatusOptions = {}): Promise<RunSummary> {
  return readRun(openStore(rootSpec(output, access)), clock, runId)
}

/** Returns the rejected rows of a run's latest attempt, in order of batch. @throws RUN_UNKNOWN */
export async function readRejects({
  output = defaultOutput,
  runId,
  limit,
  ...access
}: RejectsOptions = {}): Promise<Reject[]> {
  const store = openStore(rootSpec(output, access))
  const { rejects } = await readRun(store, clock, runId)
  return readRejectFiles(store, rejects, limit)
}

/** Returns the rejected rows in these files. Memory: one file, and the rows that are returned. */
export async function readRejectFiles(
  store: Store,
  keys: readonly string[],
  limit = Number.MAX_SAFE_INTEGER,
): Promise<Reject[]> {
  if (keys.length === 0) return []
  return inOwnFolder(scratch =>
    useEngine(openReader([scratch], scratch), async engine => {
      const connection = await engine.connect()
      const found: Reject[] = []
      const file = join(scratch, 'rejects.parquet')
      for (const key of keys) {
        await writeFile(file, await store.read(key))
        for await (const row of readRows(connection, { file }, { schema: rejectSchema })) {
          if (found.length >= limit) return found
          found.push({ ...row, line: Number(row.line), record: Number(row.record) } as unknown as Reject)
        }
      }
      return found
    }),
  )
}
