/**
 * Globs over names: `*` and `?` in one segment, `**` over segments, `[…]`, `{a,b}`, `{01..12}`, `!(a|b)` for a segment that is anything else, and
 * `!` before a glob for every name that it does not match; all else is literal, brackets of file copies as `(1)` too.
 */
import picomatch from 'picomatch'

/**
 * Whether a name matches. Users mean data: dot files, and what macOS puts below `__MACOSX`, match only a glob that names them.
 * The time is linear in the name for ordinary globs; the glob itself is the user's, never an archive's.
 */
export function globMatcher(glob: string): (name: string) => boolean {
  const excluded = excludedGlob(glob)
  if (excluded !== undefined) {
    const [isData, isExcluded] = [globMatcher('**'), globMatcher(excluded)]
    return name => isData(name) && !isExcluded(name)
  }
  const written = withoutDotSlash(glob)
  const pattern = globPattern(maskDots(written, dotsOfGlob))
  return name => pattern.test(maskDots(name, dotsOfName)) && !isMacResource(name, written)
}

/** What a glob that begins with `!` leaves out; undefined for any other. `!(a)` is no such one, and `\!` is a name's first letter. */
export function excludedGlob(glob: string): string | undefined {
  return /^!(?!\()./s.test(glob) ? glob.slice(1) : undefined
}

/** `./a` and `a` are one path, in globs as in the names that they match. */
function withoutDotSlash(glob: string): string {
  return glob.replace(/^(?:\.\/+)+(?=.)/s, '')
}

/** The regular expression of a glob, without the rules on `__MACOSX` and on `!` before a glob. */
export function globPattern(glob: string): RegExp {
  const bans: string[] = []
  const masked = glob.replace(otherSegments, (_, names: string, rest: string) => {
    bans.push(banOf(names, rest))
    return `${otherMark}*${rest}`
  })
  const { source } = picomatch.makeRe(ownSyntax(masked), {
    nonegate: true,
    noextglob: true,
    windows: false,
    fastpaths: false,
    expandRange,
  })
  let next = 0
  return new RegExp(
    source.replaceAll(otherMark, () => bans[next++] ?? ''),
    's',
  )
}

/** `!(a|b)` at the beginning of a segment, with what stands after it there. */
const otherSegments = /(?<=^|\/)!\(([^()/]+)\)((?:\\.|[^/\\])*)/gs
/** Stands for such a segment while picomatch makes the pattern of the others. */
const otherMark = '\ue101'
/** Stand for the placeholders of a path template, each of which is captured once, where it matches. */
const placeholderMarks = /[\ue000-\ue0ff]/g

/** A segment that is no such name, nor a dot file, nor empty. picomatch's own `!(a).csv` also refuses `ab.csv`. */
function banOf(names: string, rest: string): string {
  const banned = names
    .split('|')
    .map(name => globPattern(name + rest.replace(placeholderMarks, '*')).source.replace(/^\^|\$$/g, ''))
  return `(?![./]|$)(?!(?:${banned.join('|')})(?:/|$))`
}

/** Whether a name lies below a `__MACOSX` folder that the glob does not name. */
export function isMacResource(name: string, glob: string): boolean {
  return name.split('/').includes(macFolder) && !glob.includes(macFolder)
}

/** A text as a glob that matches nothing else. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]{}()!+@|"]/g, '\\$&')
}

/** The text that every match begins with, for listing. */
export const literalPrefix = (glob: string): string => cutLiteral(glob).literal

/** A glob in two: the text that every match begins with, and the glob of what follows it. */
export function cutLiteral(glob: string): { readonly literal: string; readonly rest: string } {
  if (excludedGlob(glob) !== undefined) return { literal: '', rest: '**' }
  const written = withoutDotSlash(glob)
  const prefix = /^(?:\\.|(?!(?<=^|\/)!\()[^\\*?[{])*/s.exec(written)?.[0] ?? ''
  return { literal: prefix.replace(/\\(.)/gs, '$1'), rest: written.slice(prefix.length) }
}

const macFolder = '__MACOSX'

/** More numbers than this in `{1..n}` are taken for a mistake and left literal. */
const rangeCountMax = 10_000

/** `.` and `..` are no dot files, before a backslash neither: an unsafe name is selected like any other, to be refused or kept as data where it matters. */
const dotsOfName = /(?<=^|\/)\.{1,2}(?=[/\\]|$)/g
/** In a glob a backslash itself is written as two. */
const dotsOfGlob = /(?<=^|\/)\.{1,2}(?=\/|\\\\|$)/g

function maskDots(path: string, dots: RegExp): string {
  return path.replace(dots, found => '\ue100'.repeat(found.length))
}

/** picomatch knows more syntax than ours, which becomes literal outside of classes, and `[!a]` by another name. */
function ownSyntax(glob: string): string {
  return glob.replace(/\\.|\[(?:\\.|[^\]\\])*\]|[()!+@|"]/gs, found => {
    if (found.startsWith('[!')) return `[^${found.slice(2)}`
    return found.length > 1 ? found : `\\${found}`
  })
}

/** `{01..12}` as alternatives, as wide as its ends are written. */
function expandRange(from: string, to: string): string {
  const [first, last] = [Number(from), Number(to)]
  if (!/^\d+$/.test(from) || !/^\d+$/.test(to) || Math.abs(last - first) >= rangeCountMax)
    return /^[A-Za-z]$/.test(from) && /^[A-Za-z]$/.test(to) ? `[${from}-${to}]` : `\\{${from}\\.\\.${to}\\}`
  const width = from.startsWith('0') || to.startsWith('0') ? Math.max(from.length, to.length) : 0
  const numbers = Array.from({ length: Math.abs(last - first) + 1 }, (_, index) => Math.min(first, last) + index)
  return `(?:${numbers.map(number => String(number).padStart(width, '0')).join('|')})`
}
