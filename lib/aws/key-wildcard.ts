/** Writes the wildcard of EventBridge that passes every key of a trigger's template, and as few others as possible. */
import { templateTokens } from '../define/template-syntax.ts'
import { cutLiteral } from '../paths/glob.ts'

/** A filter for keys in a rule of EventBridge. */
export type KeyFilter = { readonly wildcard: string } | { readonly prefix: string }

/**
 * Returns the filter for keys of a template below a prefix. A `*` of EventBridge stands for any text, also with slashes: parameters,
 * globs, classes and alternatives each become one, so that the filter passes at least the keys of the template.
 * Undefined where every key may match. Falls back to the prefix where EventBridge would refuse the wildcard as too complex.
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function keyFilter(keyPrefix: string, template: string): KeyFilter | undefined {
  const glob = templateTokens(template)
    .map(token => (token.kind === 'text' ? token.text : '*'))
    .join('')
  const cut = cutLiteral(glob)
  const literal = keyPrefix + cut.literal
  const pieces = [...literal, ...globPieces(cut.rest)].reduce(mergeStars, [])
  if (pieces.length === 1 && pieces[0] === star) return undefined
  const isPrefix = pieces.at(-1) === star && pieces.indexOf(star) === pieces.length - 1
  if (isPrefix || complexityOf(pieces) > complexityMax) return literal === '' ? undefined : { prefix: literal }
  return { wildcard: pieces.map(piece => (piece === star ? '*' : escapeLiteral(piece))).join('') }
}

/** A character, or any text. */
type Piece = string | typeof star
const star: unique symbol = Symbol('*')

/**
 * Matches, in this order: an escaped character; `!(…)`; alternatives, classes, or the beginning of one; `**` with its optional slash; any
 * other glob character; any other character.
 */
const globSyntax = /\\(.)|(?<=^|\/)!\([^()/]+\)|\{.*\}|\[.*\]|[{[?]|(?:\/\*{2,})+\/?$|\*{2,}\/|\*+|(.)/gsu

const globPieces = (glob: string): Piece[] =>
  [...glob.matchAll(globSyntax)].map(([, escaped, plain]) => escaped ?? plain ?? star)

/** Adds a piece, except for a second star in a row, which EventBridge refuses. */
function mergeStars(pieces: Piece[], piece: Piece): Piece[] {
  if (piece !== star || pieces.at(-1) !== star) pieces.push(piece)
  return pieces
}

const escapeLiteral = (character: string): string => character.replace(/[*\\]/, '\\$&')

/** The open-source matcher of EventBridge is tested with a limit of 11, at which it refuses. @see https://github.com/aws/event-ruler */
const complexityMax = 10
/** The most sets of places that are examined; a pattern with more counts as too complex. */
const setsMax = 2000

/** Returns how many beginnings of the pattern, from the first star on, one text can match at once: EventBridge's own measure. */
function complexityOf(pieces: readonly Piece[]): number {
  const first = pieces.indexOf(star)
  const characters: readonly (Piece | typeof other)[] = [...new Set(pieces.filter(piece => piece !== star)), other]
  const queue = [withStars(new Set([0]), pieces)]
  const seen = new Set(queue.map(nameOf))
  let most = 0
  for (let at = 0; at < queue.length; at++) {
    const places = queue[at] ?? new Set()
    most = Math.max(most, [...places].filter(place => place > first).length)
    if (queue.length > setsMax) return Number.POSITIVE_INFINITY
    for (const character of characters) {
      const next = withStars(new Set([...places].flatMap(place => afterCharacter(place, character, pieces))), pieces)
      if (next.size === 0 || seen.has(nameOf(next))) continue
      seen.add(nameOf(next))
      queue.push(next)
    }
  }
  return most
}

/** Stands for every character that the pattern does not name. */
const other: unique symbol = Symbol('other')

const nameOf = (places: ReadonlySet<number>): string => [...places].sort((a, b) => a - b).join()

/** Adds the places after stars, because a star matches an empty text as well. */
function withStars(places: ReadonlySet<number>, pieces: readonly Piece[]): Set<number> {
  const all = new Set(places)
  for (const place of places) if (pieces[place] === star) all.add(place + 1)
  return all
}

function afterCharacter(place: number, character: Piece | typeof other, pieces: readonly Piece[]): number[] {
  const piece = pieces[place]
  if (piece === star) return [place, place + 1]
  return piece !== undefined && piece === character ? [place + 1] : []
}
