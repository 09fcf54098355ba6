/** Reads the datasets of several nodes of one task as one. */
import { PermanentError } from '../../errors/errors.ts'
import type { SchemaColumn } from '../../model/outcome/manifest.ts'
import type { InputObject, PartSlice } from '../../model/plan-data.ts'
import { sortInputs } from '../../model/run/identity.ts'
import type { WrittenPlace } from '../find-dataset.ts'
import type { FoundObjects } from '../find-options.ts'

/** @throws INPUT_INVALID where the columns of the nodes differ */
export function joinNodes(
  task: string,
  all: readonly FoundObjects[],
  places: readonly Pick<WrittenPlace, 'outputPath'>[],
): FoundObjects {
  const [first, ...others] = all
  if (!first) throw new TypeError('expected a dataset')
  if (others.length === 0) return first
  const differing = others.findIndex(({ dataset }) => columnsText(dataset) !== columnsText(first.dataset))
  if (differing >= 0) {
    const paths = [places[0], places[differing + 1]].map(place => place?.outputPath)
    const message = `task ${task}: expected the same columns in all datasets that are read together, got ${columnsText(first.dataset)} in ${paths[0]} and ${columnsText(others[differing]?.dataset)} in ${paths[1]}; run the task that writes them again for all of them`
    throw new PermanentError('INPUT_INVALID', message, { task, paths })
  }
  const total = (of: (found: FoundObjects) => number): number => all.reduce((sum, found) => sum + of(found), 0)
  return {
    ...first,
    inputs: sortInputs(all.flatMap(({ inputs }) => inputs)),
    cut: chosen => all.flatMap(found => cutOwn(found, chosen)).map((part, slice) => ({ ...part, slice })),
    unreadable: all.find(({ unreadable }) => unreadable)?.unreadable,
    bucketBy: undefined,
    parts: undefined,
    memberCount: total(found => found.memberCount),
    partsSkipped: total(found => found.partsSkipped ?? 0),
    bytesIn: total(found => found.bytesIn),
    bytes: total(found => found.bytes),
    release() {
      for (const { release } of all) release()
    },
  }
}

/** Cuts those of the chosen inputs that are of one dataset, numbered by their places among the chosen. */
export function cutOwn(found: Pick<FoundObjects, 'inputs' | 'cut'>, chosen: readonly InputObject[]): PartSlice[] {
  const keys = new Set(found.inputs.map(({ key }) => key))
  const own = chosen.flatMap((input, index) => (keys.has(input.key) ? [{ input, index }] : []))
  const slices = found.cut(own.map(({ input }) => input)) as readonly PartSlice[]
  return slices.map(part => ({ ...part, input: own[part.input]?.index ?? 0 }))
}

/** In any order, because columns are read by their names. */
const columnsText = (columns: readonly SchemaColumn[] = []): string =>
  columns
    .map(({ name, type }) => `${name} ${type}`)
    .sort()
    .join(', ')
