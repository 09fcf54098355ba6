/** Finds the names that a misspelt one may mean. */
import { distance } from 'fastest-levenshtein'

/** Returns at most `count` candidates, nearest first: those that differ in two letters or 40 % of them, or extend the name. */
export function nearest(name: string, candidates: Iterable<string>, count = 3): string[] {
  const wanted = name.toLowerCase()
  return cheapest(candidates, count, candidate => costOf(wanted, candidate.toLowerCase()))
}

/** Returns at most `count` candidates for a glob that matches none, nearest to its fixed text first; always some where there are any. */
export function nearestToGlob(glob: string, candidates: Iterable<string>, count = 3): string[] {
  const fixed = glob.replaceAll('*', '').toLowerCase()
  return cheapest(candidates, count, candidate => distance(fixed, candidate.toLowerCase()))
}

/** Returns `, did you mean a or b`, or an empty text when no candidate is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const names = nearest(name, candidates)
  return names.length === 0 ? '' : `, did you mean ${names.join(' or ')}`
}

/** Returns `did you mean a, b`, or `there are …` with all candidates when none is near. */
export function nearestOrAll(name: string, candidates: readonly string[]): string {
  const names = nearest(name, candidates)
  return names.length > 0 ? `did you mean ${names.join(', ')}` : `there are ${candidates.join(', ')}`
}

/** Returns the candidates of lowest cost, those without one left out. Sorting thousands would take longer than comparing them. */
function cheapest(
  candidates: Iterable<string>,
  count: number,
  costOfCandidate: (candidate: string) => number | undefined,
): string[] {
  const best: { readonly candidate: string; readonly cost: number }[] = []
  for (const candidate of new Set(candidates)) {
    const cost = costOfCandidate(candidate)
    if (cost === undefined || cost > (best[count - 1]?.cost ?? cost)) continue
    best.push({ candidate, cost })
    best.sort((a, b) => a.cost - b.cost || (a.candidate < b.candidate ? -1 : 1)).splice(count)
  }
  return best.map(({ candidate }) => candidate)
}

function costOf(wanted: string, candidate: string): number | undefined {
  const edits = distance(wanted, candidate)
  const longest = Math.max(wanted.length, candidate.length)
  const editsMax = longest < 4 ? 1 : Math.max(2, Math.floor(longest * 0.4))
  if (edits <= editsMax && edits < longest) return edits
  const isExtension = wanted.length >= 3 && (candidate.startsWith(wanted) || wanted.startsWith(candidate))
  return isExtension && candidate.length >= 3 ? longest : undefined
}

/** Returns the end of a message that names the nearest names, or says something else where there are none. */
export const nearestHint = (names: readonly string[], otherwise = ''): string =>
  names.length > 0 ? `; nearest are ${names.join(', ')}` : otherwise
