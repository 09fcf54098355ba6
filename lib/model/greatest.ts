/** Returns the greatest number that items have, and at least `least`. Deliberately no spread: a call takes only about 100,000 arguments. */
export function greatest<T>(items: Iterable<T>, numberOf: (item: T) => number, least = 0): number {
  let most = least
  for (const item of items) most = Math.max(most, numberOf(item))
  return most
}
