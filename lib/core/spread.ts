/** Some of a list. */

/** At most `count` of a list, spread over it evenly: of a sorted list they are not its beginning. */
export function spread<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list
  return Array.from({ length: count }, (_, index) => list[Math.floor((index * list.length) / count)] as T)
}
