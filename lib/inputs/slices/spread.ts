/** Takes some of a list. */

/** Returns the items that `spreadIndexes` takes: those of a sorted list are not its beginning. */
export function spread<T>(list: readonly T[], sample?: number | `${number}%`): readonly T[] {
  return spreadIndexes(list.length, sample).map(index => list[index] as T)
}

/** Returns indexes spread evenly over a list of this length: a number of them, or a share and at least one; default all. */
export function spreadIndexes(length: number, sample: number | `${number}%` = length): readonly number[] {
  const wanted =
    typeof sample === 'number' ? sample : Math.max(1, Math.round((length * Number.parseFloat(sample)) / 100))
  const count = Math.min(length, wanted)
  return Array.from({ length: count }, (_, index) => Math.floor((index * length) / count))
}
