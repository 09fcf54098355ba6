/** Globs over names: `*` and `?` in one segment, `**` over segments, `[…]`, `{a,b}` and `{01..12}`; all else is literal, brackets of file copies as `(1)` too. */
import picomatch from 'picomatch'

/**
 * Whether a name matches. Users mean data: dot files, and what macOS puts below `__MACOSX`, match only a glob that names them.
 * The time is linear in the name for ordinary globs; the glob itself is the user's, never an archive's.
 */
export function globMatcher(glob: string): (name: string) => boolean {
  const pattern = globPattern(maskDots(glob, dotsOfGlob))
  return name => pattern.test(maskDots(name, dotsOfName)) && !isMacResource(name, glob)
}

/** The regular expression of a glob, without the rule on `__MACOSX`. */
export function globPattern(glob: string): RegExp {
  const { source } = picomatch.makeRe(ownSyntax(glob), {
    nonegate: true,
    noextglob: true,
    windows: false,
    fastpaths: false,
    expandRange,
  })
  return new RegExp(source, 's')
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
export function literalPrefix(glob: string): string {
  const prefix = /^(?:\\.|[^\\*?[{])*/s.exec(glob)?.[0] ?? ''
  return prefix.replace(/\\(.)/gs, '$1')
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
