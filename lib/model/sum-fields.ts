/** Adds up fields of several objects; the result has them in the order of `names`. */
export function sumFields<K extends string>(
  items: readonly { readonly [Name in K]: number }[],
  names: readonly K[],
): { [Name in K]: number } {
  const sums = names.map(name => [name, items.reduce((sum, item) => sum + item[name], 0)] as const)
  return Object.fromEntries(sums) as { [Name in K]: number }
}
