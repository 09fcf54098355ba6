/** Cuts the inputs of several datasets that are read together. */
import type { InputObject, PartSlice } from '../../model/plan-data.ts'
import type { FoundObjects } from '../find-options.ts'

/** Cuts those of the chosen inputs that are of one dataset, numbered by their places among the chosen. */
export function cutOwn(found: Pick<FoundObjects, 'inputs' | 'cut'>, chosen: readonly InputObject[]): PartSlice[] {
  const keys = new Set(found.inputs.map(({ key }) => key))
  const own = chosen.flatMap((input, index) => (keys.has(input.key) ? [{ input, index }] : []))
  const slices = found.cut(own.map(({ input }) => input)) as readonly PartSlice[]
  return slices.map(part => ({ ...part, input: own[part.input]?.index ?? 0 }))
}
