/** Some of a list. */

/** At most `count` of a list, spread over it evenly: of a sorted list they are not its beginning. */
export function spread<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list
  return Array.from({ length: count }, (_, index) => list[Math.floor((index * list.length) / count)] as T)
}

/** The indexes of a list of this length that a sample takes: a count, or a share of them and at least one; default all. */
export function spreadIndexes(length: number, sample?: number | `${number}%`): readonly number[] {
  const wanted =
    sample === undefined
      ? length
      : typeof sample === 'number'
        ? sample
        : Math.max(1, Math.round((length * Number.parseFloat(sample)) / 100))
  const count = Math.min(length, wanted)
  return Array.from({ length: count }, (_, index) => Math.floor((index * length) / count))
}

/** The first of a sequence, no more of which is made. */
export function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let taken = 0
  for (const item of items) {
    if (taken++ >= count) return
    yield item
  }
}
