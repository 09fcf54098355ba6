/** Inflates huge members and compressed files, cuts them on record ends, and stages the pieces for the worker threads. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { needsPlaces } from '../../define/columns/provenance.ts'
import type { TaskDefinition } from '../../define/definition.ts'
import { isText } from '../../define/formats/format-kind.ts'
import { memberPolicy } from '../../define/sources/member-policy.ts'
import { PermanentError } from '../../errors/errors.ts'
import { inflateFile } from '../../inflate/file.ts'
import { skippedMember } from '../../model/outcome/skipped-member.ts'
import type { InputObject, StreamSlice } from '../../model/plan-data.ts'
import { hiveValues } from '../../paths/hive-columns.ts'
import { openText } from '../../stage/member-text.ts'
import { SpareFiles } from '../../stage/spare-files.ts'
import { createStage } from '../../stage/stage.ts'
import { isInMemory } from '../../store/own-folder.ts'
import type { Store } from '../../store/store.ts'
import { cutRecords } from '../../text/records/cut.ts'
import type { BadStream, StreamPiece } from './distribute.ts'

export interface StreamOptions {
  readonly input: Store
  readonly task: TaskDefinition
  readonly folder: string
  /** Text that a thread stages for a share; a stream is cut into smaller groups. */
  readonly groupBytes: number
  readonly signal?: AbortSignal
}

/** Whether members that are damaged are skipped. */
export const skipsBadMembers = ({ source }: Pick<TaskDefinition, 'source'>): boolean =>
  memberPolicy(source).onBadMember === 'skip'

/** Returns the folder in which the main thread stages the text of streams for all threads. */
export const streamFolder = (stageFolder: string): string => join(stageFolder, 'streams')

const pieceBytes = 16 * 1024 * 1024

/** Size of the first group of a stream as a part of `groupBytes`. Each further group is twice as large, up to the full size. */
export const firstGroupPart = 1 / 16
const fullGroupPart = 1 / 4

/** Returns the bytes of a group: the threads have nothing to do until the first one is inflated, so that it is small. */
const bytesOfGroup = (index: number, groupBytes: number): number =>
  groupBytes * Math.min(fullGroupPart, firstGroupPart * 2 ** index)

/** Limit on files that wait to be written over, because each holds the text of a group in memory. */
const spareFilesMax = 2

/** Yields pieces on demand: the next group is inflated when a thread is free. Memory: two pieces of 16 MiB; disk: a group a thread and two more. */
export async function* streamPieces(
  slice: StreamSlice,
  input: InputObject,
  options: StreamOptions,
): AsyncGenerator<StreamPiece | BadStream> {
  const { task, folder, groupBytes } = options
  const format = task.source.format
  if (!format || !isText(format)) return
  mkdirSync(folder, { recursive: true })
  const isInPath = task.source.hive !== false && Object.keys(hiveValues(input.key)).length > 0
  const isLocated = needsPlaces(task.provenance) || isInPath
  const prefix = createHash('sha256').update(`${input.key}#${slice.slice}`).digest('hex').slice(0, 8)
  const origin = { archive: input.key, member: slice.member?.name ?? '' }
  const totalIn = slice.member?.compressedBytes ?? input.sizeBytes
  let count = 0
  const columnNames = Object.keys(task.columns ?? {})
  const spares = isInMemory(folder) ? new SpareFiles({ filesMax: spareFilesMax }) : undefined
  const staging = { folder, format, located: isLocated, columnNames, stageBytesMax: groupBytes, spares }
  const open = () => createStage({ ...staging, name: `${prefix}-${count++}` })
  let stage = open()
  const piece = (bytesIn: number): StreamPiece => {
    const done = stage
    return { staged: { slice: slice.slice, files: done.finish() }, bytesIn, discard: () => done.discard() }
  }
  try {
    for await (const cut of cutRecords(bytesOf(slice, input, options), {
      format,
      pieceBytes: Math.min(pieceBytes, bytesOfGroup(0, groupBytes)),
      origin,
    })) {
      const { bytes, ...place } = cut
      stage.add(bytes, { ...origin, ...place })
      if (stage.bytes < bytesOfGroup(count - 1, groupBytes)) continue
      const full = piece(0)
      stage = open()
      yield full
    }
    yield piece(totalIn)
  } catch (error) {
    stage.discard()
    if (!(error instanceof BadMember)) throw error
    yield { skipped: skippedMember(error.fault), bytesIn: totalIn }
  } finally {
    spares?.close()
  }
}

/** A fault in the bytes of a member that may be skipped, told apart from faults in its text and from those of the store. */
class BadMember extends Error {
  readonly fault: PermanentError

  constructor(fault: PermanentError) {
    super(fault.message)
    this.fault = fault
  }
}

async function* markBad(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } catch (error) {
    const isInBytes =
      error instanceof PermanentError && (error.code.startsWith('ZIP_') || error.code === 'INPUT_INVALID')
    throw isInBytes ? new BadMember(error) : error
  }
}

function bytesOf(
  slice: StreamSlice,
  input: InputObject,
  { input: store, task, signal }: StreamOptions,
): AsyncIterable<Uint8Array> {
  const options = signal ? { signal } : {}
  if (!slice.member) return inflateFile(store, input, options)
  const { limits } = memberPolicy(task.source)
  const bytes = openText(store, input, slice.member, { limits, ...options })
  return skipsBadMembers(task) ? markBad(bytes) : bytes
}
