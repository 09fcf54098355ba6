/** Checks the formats of dates and times: their specifiers, and whether two of them read one text differently. */

/** The specifiers of strptime that the engine knows. */
const specifier = /%(?:[abcdfghjmnpuwxyzABGHIMSTUVWXYZ%]|-[djmyHIMS])/g

/** Whether a format has no other specifiers than those that the engine knows. */
export const hasKnownSpecifiers = (format: string): boolean => !format.replaceAll(specifier, '').includes('%')

/** Fields that are written as digits: the most that each has. A year of four digits has exactly four. */
const digitsMax: Readonly<Record<string, number>> = {
  ...{ u: 1, w: 1, j: 3, Y: 4, G: 4 },
  ...{ y: 2, m: 2, d: 2, H: 2, I: 2, M: 2, S: 2, U: 2, V: 2, W: 2 },
  ...{ g: 3, f: 6, n: 9 },
}
/** Other letters of one field. */
const sameField: Readonly<Record<string, string>> = { b: 'b', h: 'b', B: 'b', a: 'a', A: 'a' }

interface Token {
  /** A literal text, or the letters of number fields that stand side by side, or the letter of another field. */
  readonly kind: 'text' | 'number' | 'word'
  readonly value: string
}

/**
 * Returns the first two formats that read one text as different values, as `%d/%m/%Y` and `%m/%d/%Y` read 01/02/2024;
 * two equal formats count as well. Undefined where no text is ambiguous.
 */
export function ambiguousFormats(formats: readonly string[]): readonly [string, string] | undefined {
  for (const [index, first] of formats.entries())
    for (const second of formats.slice(index + 1)) if (areAmbiguous(first, second)) return [first, second]
  return undefined
}

function areAmbiguous(first: string, second: string): boolean {
  if (first === second) return true
  const [left, right] = [tokensOf(first), tokensOf(second)]
  const pairs = left.map((token, index) => [token, right[index]] as const)
  if (left.length !== right.length || !pairs.every(([a, b]) => b && mayBeOneText(a, b))) return false
  return pairs.some(([a, b]) => a.kind === 'number' && a.value !== b?.value)
}

/** Whether a text may stand for both tokens. */
function mayBeOneText(a: Token, b: Token): boolean {
  if (a.kind !== b.kind) return false
  if (a.kind !== 'number') return a.value === b.value
  const [aWidths, bWidths] = [widthsOf(a.value), widthsOf(b.value)]
  return aWidths.min <= bWidths.max && bWidths.min <= aWidths.max
}

/** The fewest and most digits of number fields side by side, of which the engine reads all but the last at full width. */
function widthsOf(letters: string): { readonly min: number; readonly max: number } {
  const max = [...letters].reduce((sum, letter) => sum + (digitsMax[letter] ?? 0), 0)
  const last = letters.at(-1) ?? ''
  if (last === 'Y' || last === 'G' || letters.length > 1) return { min: max, max }
  return { min: 1, max }
}

function tokensOf(format: string): Token[] {
  const tokens: Token[] = []
  for (const [piece] of format.matchAll(/%-?[a-zA-Z%]|[^%]+/g)) {
    const letter = piece.startsWith('%') && piece !== '%%' ? piece.slice(-1) : undefined
    const token = letter === undefined ? text(piece) : fieldOf(letter)
    const before = tokens.at(-1)
    if (before && before.kind === token.kind && token.kind !== 'word')
      tokens[tokens.length - 1] = { kind: token.kind, value: before.value + token.value }
    else tokens.push(token)
  }
  return tokens
}

const text = (piece: string): Token => ({ kind: 'text', value: piece === '%%' ? '%' : piece })

const fieldOf = (letter: string): Token =>
  digitsMax[letter] === undefined
    ? { kind: 'word', value: sameField[letter] ?? letter }
    : { kind: 'number', value: letter }
