/** Cuts inputs into slices of the size that fits the threads and their memory. */
import type { InputObject, Slice } from '../../model/plan-data.ts'
import type { FindOptions } from '../find-options.ts'

const textBytesDefault = 96 * 1024 * 1024

export interface SlicePlace {
  readonly input: number
  readonly firstSlice: number
  readonly sliceBytes: number
  /** A larger file is cut into ranges, or streamed where it is compressed. */
  readonly wholeBytes: number
}

const sliceBytesMin = 1024 * 1024
/** Enough slices for shares of nearly equal bytes. */
const slicesPerThread = 4

/** Returns the slices of all inputs, numbered over all of them. A single input is cut into the same number of slices for each thread. */
export function cutInputs(
  inputs: readonly InputObject[],
  cut: (input: InputObject, place: SlicePlace) => readonly Slice[],
  bytes: number,
  { threads = 1, textBytes = textBytesDefault }: FindOptions,
): readonly Slice[] {
  const wholeBytes = Math.floor(textBytes / 3)
  const perThread = Math.max(slicesPerThread, Math.ceil(bytes / threads / wholeBytes))
  const sliceBytes = Math.max(sliceBytesMin, Math.ceil(bytes / (threads * perThread)))
  const slices: Slice[] = []
  for (const [index, input] of inputs.entries())
    for (const slice of cut(input, { input: index, firstSlice: slices.length, sliceBytes, wholeBytes }))
      slices.push(slice)
  return slices
}
