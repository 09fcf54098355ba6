/** A plan as bytes: plan.json with one small item a batch, and the members file that the items point into. */
import { createHash } from 'node:crypto'
import type { ByteRange } from './byte-range.ts'
import { PermanentError } from './errors.ts'
import type { BatchInputs, BatchWork, InputObject, PlanItem, Slice } from './plan-data.ts'
import { invalidState } from './state.ts'

export interface PlanFiles {
  readonly plan: readonly PlanItem[]
  /** Named by its content. */
  readonly sha256: string
  /** Batch after batch: a JSON line of the inputs that it reads, and one a slice. */
  readonly members: Uint8Array
}

/**
 * A batch's inputs and slices stand together, so that one ranged read gives all that it reads, however many inputs the run has;
 * an item stays below 1 KB whatever it holds.
 */
export function planFiles(batches: readonly (readonly Slice[])[], inputs: readonly InputObject[]): PlanFiles {
  const encoder = new TextEncoder()
  const texts = batches.map(slices => encoder.encode(textOf(slices, inputs)))
  const sha256 = createHash('sha256')
  for (const text of texts) sha256.update(text)
  const name = sha256.digest('hex')
  let start = 0
  const plan = batches.map((slices, batch): PlanItem => {
    const range: ByteRange = { start, end: start + (texts[batch]?.length ?? 0) }
    start = range.end
    const memberCount = slices.reduce((sum, slice) => sum + membersOf(slice), 0)
    const bytes = slices.reduce((sum, slice) => sum + slice.bytes, 0)
    return { batch, members: name, range, sliceCount: slices.length, memberCount, bytes }
  })
  return { plan, sha256: name, members: Buffer.concat(texts) }
}

/** An input once, whatever slices it has; nothing for a batch that reads nothing. */
function textOf(slices: readonly Slice[], inputs: readonly InputObject[]): string {
  if (slices.length === 0) return ''
  const own = Object.fromEntries(slices.map(slice => [slice.input, inputOf(inputs, slice)]))
  return [{ inputs: own }, ...slices].map(line => `${JSON.stringify(line)}\n`).join('')
}

/** A file's later ranges are the same member. */
function membersOf(slice: Slice): number {
  if (slice.kind === 'members') return slice.members.length
  return slice.kind === 'range' && slice.range.start > 0 ? 0 : 1
}

/** What a plan item points at. @throws STATE_INVALID */
export function readBatch(bytes: Uint8Array, item: PlanItem): BatchWork {
  const [first = '{}', ...rest] = new TextDecoder().decode(bytes).split('\n').filter(Boolean)
  const { inputs } = JSON.parse(first) as { readonly inputs?: BatchInputs }
  const slices = rest.map(line => JSON.parse(line) as Slice)
  if (!inputs) throw notAsPlanned(item, 'its inputs before its slices', 'none')
  if (slices.length !== item.sliceCount) throw notAsPlanned(item, `${item.sliceCount} slices`, `${slices.length}`)
  return { slices, inputs }
}

function notAsPlanned({ batch, members }: PlanItem, expected: string, got: string): PermanentError {
  return invalidState(`members/${members}`, `batch ${batch}: expected ${expected}, got ${got}`)
}

/** What a slice reads. @throws STATE_INVALID */
export function inputOf(inputs: BatchInputs, { slice, input }: Pick<Slice, 'slice' | 'input'>): InputObject {
  const found = inputs[input]
  if (found) return found
  throw new PermanentError('STATE_INVALID', `slice ${slice} reads input ${input}, which is not among its inputs`)
}
