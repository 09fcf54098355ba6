/** Huge members and compressed files: inflated and cut on record ends here, staged for the worker threads. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TaskDefinition } from '../define/definition.ts'
import { needsPlaces } from '../define/provenance.ts'
import { inflateFile } from '../inflate/file.ts'
import type { InputObject, StreamSlice } from '../model/plan-data.ts'
import { hiveValues } from '../paths/hive-columns.ts'
import { openText } from '../stage/member-text.ts'
import { createStage } from '../stage/stage.ts'
import type { Store } from '../store/store.ts'
import { cutRecords } from '../text/cut-records.ts'
import type { StreamPiece } from './process.ts'

export interface StreamOptions {
  readonly input: Store
  readonly task: TaskDefinition
  readonly folder: string
  /** Text staged for one share. */
  readonly groupBytes: number
  readonly signal?: AbortSignal
}

/** Where the main thread stages the text of streams for all threads. */
export const streamFolder = (stageFolder: string): string => join(stageFolder, 'streams')

const pieceBytes = 16 * 1024 * 1024

/** Pulled: the next group is inflated when a thread has room for it. Memory: two pieces of 16 MiB; disk: a group a thread and two more. */
export async function* streamPieces(
  slice: StreamSlice,
  input: InputObject,
  options: StreamOptions,
): AsyncGenerator<StreamPiece> {
  const { task, folder, groupBytes } = options
  const format = task.source.format
  if (!format || format.kind === 'parquet') return
  mkdirSync(folder, { recursive: true })
  const isInPath = task.source.hive !== false && Object.keys(hiveValues(input.key)).length > 0
  const isLocated = needsPlaces(task.provenance) || isInPath
  const prefix = createHash('sha256').update(`${input.key}#${slice.slice}`).digest('hex').slice(0, 8)
  const origin = { archive: input.key, member: slice.member?.name ?? '' }
  const totalIn = slice.member?.compressedBytes ?? input.sizeBytes
  let count = 0
  const columnCount = Object.keys(task.columns ?? {}).length
  const staging = { folder, format, located: isLocated, columnCount, stageBytesMax: 4 * groupBytes }
  const open = () => createStage({ ...staging, name: `${prefix}-${count++}` })
  let stage = open()
  const piece = (bytesIn: number): StreamPiece => {
    const done = stage
    return { staged: { slice: slice.slice, files: done.finish() }, bytesIn, discard: () => done.discard() }
  }
  try {
    for await (const cut of cutRecords(bytesOf(slice, input, options), {
      format,
      pieceBytes: Math.min(pieceBytes, groupBytes),
      origin,
    })) {
      stage.add(cut.bytes, { ...origin, header: cut.header, firstLine: cut.firstLine, firstRecord: cut.firstRecord })
      if (stage.bytes < groupBytes) continue
      const full = piece(0)
      stage = open()
      yield full
    }
    yield piece(totalIn)
  } catch (error) {
    stage.discard()
    throw error
  }
}

function bytesOf(
  slice: StreamSlice,
  input: InputObject,
  { input: store, task, signal }: StreamOptions,
): AsyncIterable<Uint8Array> {
  const options = signal ? { signal } : {}
  if (!slice.member) return inflateFile(store, input, options)
  const limits = task.source.kind === 'zipMembers' ? task.source.limits : { memberBytesMax: Number.MAX_SAFE_INTEGER }
  return openText(store, input, slice.member, { limits, ...options })
}
