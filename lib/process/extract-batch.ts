/**
 * Processes a batch for `memberFiles`: extracts its members into pending files, and returns an outcome.
 * Threads extract into a folder of this machine, on a disk that of the pending parts; each file then becomes a pending part of the store,
 * like a Parquet part, under its final key (output path and member name). It cannot be listed or read until commit completes it, and
 * `_SUCCESS` comes last.
 */
import { PermanentError } from '../errors/errors.ts'
import { filesOutcome } from '../model/outcome/files-outcome.ts'
import type { OutcomeFile } from '../model/outcome/outcome.ts'
import type { MembersSlice, Slice, StreamSlice } from '../model/plan-data.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'
import type { WorkerResults } from '../model/worker-job.ts'
import { mapParallel } from '../state/files.ts'
import { inputOf } from '../state/plan-files.ts'
import { outputPrefix } from '../state/state.ts'
import { settleAll } from '../store/settle-all.ts'
import { keepSkipped } from './keep-skipped.ts'
import type { ProcessTools, WorkOfBatch } from './process-tools.ts'
import { retryTransient } from './share/retry-transient.ts'

type Extracted = WorkerResults['extract']

/** @throws ZIP_*; STORE_FAILED, DISK_FULL; ACCOUNT_MISMATCH when two members make one file */
export const extractBatch: WorkOfBatch = async (run, { batch }, { slices, inputs }, tools) => {
  const { runId, attempt } = run
  const { token, partFolder, sleep } = tools
  const pendingFolder = tools.output.pendingFolder?.({ runId, attempt, token })
  const folder =
    pendingFolder === undefined
      ? `${partFolder}/${batch}-${token}-files`
      : [pendingFolder, run.outputPath].filter(Boolean).join('/')
  const largestFirst = slices.toSorted((a, b) => b.bytes - a.bytes)
  const extract = async (slice: Slice): Promise<Extracted> =>
    tools.workers.run<'extract'>({ kind: 'extract', slice: withMembers(slice), input: inputOf(inputs, slice), folder })
  const extracted = await settleAll(largestFirst.map(slice => retryTransient(() => extract(slice), sleep)))
  const allFiles = extracted.flatMap(each => each.files)
  const allSkipped = extracted.flatMap(each => each.skipped)
  const files = await stageFiles(run, allFiles, folder, tools)
  const skipped = await keepSkipped(run, batch, allSkipped, tools)
  return filesOutcome({
    ...{ batch, runId, attempt, token, files, skipped },
    bytesIn: slices.reduce((sum, slice) => sum + bytesIn(slice), 0),
    slices: slices.map(slice => slice.slice),
  })
}

function withMembers(slice: Slice): MembersSlice | StreamSlice {
  if (slice.kind === 'members' || slice.kind === 'stream') return slice
  const message = `slice ${slice.slice}: expected members to extract, got a ${slice.kind} slice`
  throw new PermanentError('STATE_INVALID', message)
}

/** Returns the files in order of path, so that two tries of a batch return the same. */
async function stageFiles(
  run: RunFrame,
  extracted: Extracted['files'],
  folder: string,
  { output, token }: ProcessTools,
): Promise<OutcomeFile[]> {
  const prefix = outputPrefix(run.outputPath)
  const by = { runId: run.runId, attempt: run.attempt, token }
  const files = await mapParallel(extracted, async ({ path, crc32 }) => {
    const { key: _, token: __, ...pending } = await output.stagePart(prefix + path, `${folder}/${path}`, by)
    return { path, crc32, ...pending }
  })
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function bytesIn(slice: Slice): number {
  if (slice.kind === 'members') return slice.range.end - slice.range.start
  return slice.kind === 'stream' ? (slice.member?.compressedBytes ?? 0) : 0
}
