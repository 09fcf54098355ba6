/** Gives the rows of part files to the function of a sink, some at a time. */
import type { SinkOutput } from '../../define/outputs/output-definition.ts'
import { outputKind } from '../../define/outputs/output-kind.ts'
import { throwIfAborted } from '../../errors/abort.ts'
import { PermanentError, TransientError } from '../../errors/errors.ts'
import type { WorkerJob, WorkerResults } from '../../model/worker-job.ts'
import { type DatasetRow, readRows } from '../../query/dataset.ts'
import { isNetworkFault } from '../../store/network-fault.ts'
import type { ThreadState } from './thread-state.ts'

type Delivered = WorkerResults['deliver']

/** Calls the function for `batchRows` rows at a time, one call after another. Memory: these rows, and one row group. @throws SINK_FAILED */
export async function deliverRows(thread: ThreadState, job: WorkerJob<'deliver'>): Promise<Delivered> {
  const { delivery } = outputKind(thread.task.output)
  if (!delivery)
    throw new PermanentError('STATE_INVALID', `task ${thread.task.name} has no function that gets its rows`)
  let [rows, keys, skipped] = [0, 0, 0]
  for await (const batch of batchesOf(rowsOf(thread, job), delivery.batchRows)) {
    throwIfAborted(thread.signal)
    const isWritten = await callSink(delivery, batch, { thread, key: `${job.key}-${keys}` })
    rows += batch.length
    keys++
    if (!isWritten) skipped++
  }
  return { rows, keys, skipped }
}

async function* rowsOf({ engine }: ThreadState, { files, schema }: WorkerJob<'deliver'>): AsyncGenerator<DatasetRow> {
  const connection = await engine.connect()
  try {
    for (const file of files) yield* readRows(connection, { file }, { schema })
  } finally {
    connection.closeSync()
  }
}

async function* batchesOf(rows: AsyncIterable<DatasetRow>, batchRows: number): AsyncGenerator<readonly DatasetRow[]> {
  let batch: DatasetRow[] = []
  for await (const row of rows) {
    batch.push(row)
    if (batch.length < batchRows) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Returns false when the rows of the key are there already. */
async function callSink(
  { write, isDone }: Pick<SinkOutput, 'write' | 'isDone'>,
  rows: readonly DatasetRow[],
  { thread, key }: { readonly thread: ThreadState; readonly key: string },
): Promise<boolean> {
  const context = Object.freeze({ ...(thread.context as object), key, signal: thread.signal })
  try {
    if (await isDone?.(context as never)) return false
    await write(rows as never, context as never)
    return true
  } catch (error) {
    throw sinkFault(error, { task: thread.task.name, key, rows: rows.length })
  }
}

function sinkFault(error: unknown, detail: { readonly task: string; readonly key: string; readonly rows: number }) {
  // Errors of databases quote the rows that they refuse.
  const received = error instanceof Error ? error.message : String(error)
  const message = `task ${detail.task}: write() failed for the ${detail.rows} rows of key ${detail.key}`
  const isTransient = error instanceof TransientError || (error instanceof Error && isNetworkFault(error))
  const Kind = isTransient ? TransientError : PermanentError
  return new Kind('SINK_FAILED', message, { ...detail, received }, { cause: error })
}
