/** Writes a plan as bytes, and reads it: plan.json with one small item a batch, and the members file that the items point into. */
import { createHash } from 'node:crypto'
import { PermanentError } from '../errors/errors.ts'
import { hashName } from '../model/bucket-hash.ts'
import type { BatchInputs, BatchWork, InputObject, PlanItem, Slice } from '../model/plan-data.ts'
import type { ByteRange } from '../store/byte-range.ts'
import { invalidState } from './state.ts'

export interface PlanFiles {
  readonly plan: readonly PlanItem[]
  /** Named by its content. */
  readonly sha256: string
  /** For each batch a JSON line of the inputs that it reads, and one line a slice. */
  readonly members: Uint8Array
}

/**
 * The inputs and slices of a batch stand together, so that one ranged read returns both, however many inputs the run has; an item stays
 * below 1 KB.
 */
export function planFiles(
  batches: readonly (readonly Slice[])[],
  inputs: readonly InputObject[],
  { stage, buckets, side, keyTypes }: Pick<PlanItem, 'stage' | 'buckets' | 'side' | 'keyTypes'> = {},
): PlanFiles {
  const expectedBytes = batches.flat().reduce((sum, slice) => sum + membersOf(slice) * lineBytesExpected, 0)
  const members = new GrowingText(expectedBytes)
  const ranges = batches.map((slices): ByteRange => {
    const start = members.length
    for (const text of textsOf(slices, inputs)) members.add(text)
    return { start, end: members.length }
  })
  const bytes = members.bytes()
  const name = createHash('sha256').update(bytes).digest('hex')
  const exchanged =
    buckets === undefined ? {} : { hash: hashName, undividedBytes: Math.floor(undividedBytesMax / batches.length) }
  const plan = batches.map((slices, batch): PlanItem => {
    const memberCount = slices.reduce((sum, slice) => sum + membersOf(slice), 0)
    const inflated = slices.reduce((sum, slice) => sum + slice.bytes, 0)
    const range = ranges[batch] as ByteRange
    return {
      batch,
      members: name,
      range,
      sliceCount: slices.length,
      memberCount,
      bytes: inflated,
      stage,
      buckets,
      ...exchanged,
      side,
      keyTypes,
    }
  })
  return { plan, sha256: name, members: bytes }
}

/** Bytes of all batches' rows that are not divided into buckets: each slice of the next stage may read all of them. */
const undividedBytesMax = 4 * 2 ** 20

/** Bytes of a member's line where names are long; the machine does not use memory that no line fills. */
const lineBytesExpected = 128

/** Collects text as bytes in one buffer, which grows by half where more comes than expected. */
class GrowingText {
  #buffer: Buffer
  length = 0

  constructor(expectedBytes: number) {
    this.#buffer = Buffer.allocUnsafe(64 * 1024 + expectedBytes)
  }

  add(text: string): void {
    const most = this.length + 3 * text.length
    if (most > this.#buffer.length) {
      const exact = this.length + Buffer.byteLength(text)
      const larger = Buffer.allocUnsafe(Math.max(exact, Math.floor(1.5 * this.#buffer.length)))
      this.#buffer.copy(larger, 0, 0, this.length)
      this.#buffer = larger
    }
    this.length += this.#buffer.write(text, this.length)
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length)
  }
}

/**
 * Yields a line with each input once, then the lines of the slices; nothing for a batch without slices. Members have a line of their own,
 * which is parsed where they are read. Inputs come one by one, because 100,000 of them are a long line.
 */
function* textsOf(slices: readonly Slice[], inputs: readonly InputObject[]): Generator<string> {
  if (slices.length === 0) return
  yield '{"inputs":{'
  const yielded = new Set<number>()
  for (const slice of slices) {
    if (yielded.has(slice.input)) continue
    const comma = yielded.size > 0 ? ',' : ''
    yielded.add(slice.input)
    yield `${comma}"${slice.input}":${JSON.stringify(inputOf(inputs, slice))}`
  }
  yield '}}\n'
  for (const slice of slices) {
    if (slice.kind !== 'members') yield `${JSON.stringify(slice)}\n`
    else {
      const { kind, slice: number, input, range, memberCount, isNested, bytes } = slice
      yield `${JSON.stringify({ kind, slice: number, input, range, memberCount, isNested, bytes })}\n`
      yield slice.members
      yield '\n'
    }
  }
}

/** Counts the members of a slice; later ranges of a file belong to the same member. */
function membersOf(slice: Slice): number {
  if (slice.kind === 'members') return slice.memberCount
  return slice.kind === 'range' && slice.range.start > 0 ? 0 : 1
}

/** Reads the inputs and slices of a plan item from its range of the members file. @throws STATE_INVALID */
export function readBatch(bytes: Uint8Array, item: PlanItem): BatchWork {
  const newline = bytes.indexOf(0x0a)
  const end = newline < 0 ? bytes.length : newline
  const { inputs } = JSON.parse(textOf(bytes.subarray(0, end)) || '{}') as { readonly inputs?: BatchInputs }
  const slices = slicesIn(
    textOf(bytes.subarray(end + 1))
      .split('\n')
      .filter(Boolean),
    item,
  )
  if (!inputs) throw notAsPlanned(item, 'its inputs before its slices', 'none')
  if (slices.length !== item.sliceCount) throw notAsPlanned(item, `${item.sliceCount} slices`, `${slices.length}`)
  return { slices, inputs }
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Parses slices; members stay text. */
function slicesIn(lines: readonly string[], item: PlanItem): Slice[] {
  const slices: Slice[] = []
  for (let index = 0; index < lines.length; index++) {
    const slice = JSON.parse(lines[index] as string) as Slice
    if (slice.kind !== 'members') slices.push(slice)
    else {
      const members = lines[++index]
      if (!members?.startsWith('[')) throw notAsPlanned(item, `the members of slice ${slice.slice} after it`, 'none')
      slices.push({ ...slice, members })
    }
  }
  return slices
}

function notAsPlanned({ batch, members }: PlanItem, expected: string, got: string): PermanentError {
  return invalidState(`members/${members}`, `batch ${batch}: expected ${expected}, got ${got}`)
}

/** Returns the input of a slice. @throws STATE_INVALID */
export function inputOf(inputs: BatchInputs, { slice, input }: Pick<Slice, 'slice' | 'input'>): InputObject {
  const found = inputs[input]
  if (found) return found
  throw new PermanentError('STATE_INVALID', `slice ${slice} reads input ${input}, which is not among its inputs`)
}
