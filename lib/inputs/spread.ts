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

/** Yields the first items of a sequence, which makes no more of them. */
export function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let taken = 0
  for (const item of items) {
    if (taken++ >= count) return
    yield item
  }
}
