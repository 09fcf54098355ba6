/**
 * Matches names by globs: `*` and `?` within a segment, `**` over segments, `[…]`, `{a,b}`, `{01..12}`, `!(a|b)` for a segment that is
 * none of these, and `!` before a glob for every name that it does not match. All else is literal, also the brackets of copies such as `a (1).csv`.
 */
import picomatch from 'picomatch'

/**
 * Returns a test for names. Users mean data: dot files, what macOS puts below `__MACOSX`, and what Hadoop and Spark write below
 * `_temporary` before they commit it, match only a glob that names them.
 * Its time is linear in the name for ordinary globs; the glob itself comes from the user, never from an archive.
 */
export function globMatcher(glob: string): (name: string) => boolean {
  const excluded = excludedGlob(glob)
  if (excluded !== undefined) {
    const [isData, isExcluded] = [globMatcher('**'), globMatcher(excluded)]
    return name => isData(name) && !isExcluded(name)
  }
  const written = withoutDotSlash(glob)
  const pattern = globPattern(maskDots(written, dotsOfGlob))
  return name => pattern.test(maskDots(name, dotsOfName)) && !isInHiddenFolder(name, written)
}

/** Returns a test for the names of folders: false where the glob excludes the folder, or matches nothing below it by its first segments. */
export function folderMatcher(glob: string): (folder: string) => boolean {
  const excluded = excludedGlob(glob)
  if (excluded !== undefined) {
    const isExcluded = globMatcher(excluded)
    return folder => !isExcluded(folder)
  }
  const segments = withoutDotSlash(glob).split('/')
  const end = segments.findIndex(segment => !isOneSegment(segment))
  const first = end === -1 ? segments : segments.slice(0, end)
  const matchers = first.map((_, index) => globMatcher(first.slice(0, index + 1).join('/')))
  return folder => {
    const names = folder.split('/').slice(0, end === -1 ? undefined : end)
    return names.length === 0 || (matchers[names.length - 1]?.(names.join('/')) ?? false)
  }
}

/** Returns whether a part of a glob between slashes is for one segment: no `**`, and no brackets around the slash. */
function isOneSegment(part: string): boolean {
  const plain = part.replace(/\\./gs, '')
  const count = (character: string): number => plain.split(character).length
  const isClosed = count('{') === count('}') && count('[') === count(']') && !plain.endsWith('\\')
  return part !== '' && isClosed && !plain.includes('**')
}

/** Returns the glob after a leading `!`, whose names are left out; undefined for other globs, such as `!(a)` and `\!a`. */
export function excludedGlob(glob: string): string | undefined {
  return /^!(?!\()./s.test(glob) ? glob.slice(1) : undefined
}

/** Removes a leading `./`: `./a` and `a` are one path, in globs as in names. */
function withoutDotSlash(glob: string): string {
  return glob.replace(/^(?:\.\/+)+(?=.)/s, '')
}

/** Returns the regular expression of a glob, without the rules about hidden folders and a leading `!`. */
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
  return new RegExp(inUnicode(source.replaceAll(otherMark, () => bans[next++] ?? '')), 'su')
}

/** Writes a pattern as the flag `u` takes it: with it, a character such as an emoji is one and not two. */
function inUnicode(source: string): string {
  return source
    .replace(/\\(.)/gsu, (found, character: string) => {
      if (character === '-') return '\\x2d'
      return /[\w^$\\.*+?()[\]{}|/]/.test(character) ? found : character
    })
    .replace(/\\.|\[(?:\\.|[^\]\\])*\]|[{}\]]/gsu, found => (found.length > 1 ? found : `\\${found}`))
}

/** `!(a|b)` at the beginning of a segment, with the rest of the segment. */
const otherSegments = /(?<=^|\/)!\(([^()/]+)\)((?:\\.|[^/\\])*)/gs
/** Stands for such a segment while picomatch makes the pattern of the others. */
const otherMark = '\ue101'
/** Characters that stand for the placeholders of a path template. */
const placeholderMarks = /[\ue000-\ue0ff]/g

/** Returns a pattern for a segment that is none of these names, no dot file and not empty. picomatch's own `!(a).csv` also refuses `ab.csv`. */
function banOf(names: string, rest: string): string {
  const banned = names
    .split('|')
    .map(name => globPattern(name + rest.replace(placeholderMarks, '*')).source.replace(/^\^|\$$/g, ''))
  return `(?![./]|$)(?!(?:${banned.join('|')})(?:/|$))`
}

/** Whether a name lies below a hidden folder that the glob does not name. */
export const isInHiddenFolder = (name: string, glob: string): boolean =>
  hiddenFolders.some(folder => name.includes(folder) && !glob.includes(folder) && name.split('/').includes(folder))

/** Returns a glob that matches this text alone. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]{}()!+@|"]/g, '\\$&')
}

/** Returns the text with which every match begins, for listing. */
export const literalPrefix = (glob: string): string => cutLiteral(glob).literal

/** Splits a glob into the text with which every match begins, and the glob of the rest. */
export function cutLiteral(glob: string): { readonly literal: string; readonly rest: string } {
  if (excludedGlob(glob) !== undefined) return { literal: '', rest: '**' }
  const written = withoutDotSlash(glob)
  const prefix = /^(?:\\.|(?!(?<=^|\/)!\()[^\\*?[{])*/s.exec(written)?.[0] ?? ''
  return { literal: prefix.replace(/\\(.)/gs, '$1'), rest: written.slice(prefix.length) }
}

const hiddenFolders: readonly string[] = ['__MACOSX', '_temporary']

/** The most numbers in `{1..n}`: more are taken for a mistake and stay literal. */
const rangeCountMax = 10_000

/** `.` and `..` as segments, also before a backslash. They are no dot files: an unsafe name is selected like any other, and refused where it matters. */
const dotsOfName = /(?<=^|\/)\.{1,2}(?=[/\\]|$)/g
/** The same in a glob, where a backslash is written as two. */
const dotsOfGlob = /(?<=^|\/)\.{1,2}(?=\/|\\\\|$)/g

function maskDots(path: string, dots: RegExp): string {
  return path.replace(dots, found => '\ue100'.repeat(found.length))
}

/**
 * Makes syntax literal that picomatch has and ours has not, outside of classes, and writes `[!a]` as picomatch does. A backslash before a
 * letter or digit goes, because picomatch would leave `\d` to the pattern, which takes it for any digit.
 */
function ownSyntax(glob: string): string {
  const plain = glob.replace(/\\(.)/gs, (found, character: string) => (/\w/.test(character) ? character : found))
  return plain.replace(/\\.|\[(?:\\.|[^\]\\])*\]|[()!+@|"]/gs, found => {
    if (found.startsWith('[!')) return `[^${found.slice(2)}`
    // A class, because picomatch joins escaped backslashes that follow one another.
    if (found === '\\\\') return '[\\\\]'
    return found.length > 1 ? found : `\\${found}`
  })
}

/** Returns `{01..12}` as alternatives, with as many digits as its ends have. */
function expandRange(from: string, to: string): string {
  const [first, last] = [Number(from), Number(to)]
  if (!/^\d+$/.test(from) || !/^\d+$/.test(to) || Math.abs(last - first) >= rangeCountMax)
    return /^[A-Za-z]$/.test(from) && /^[A-Za-z]$/.test(to) ? `[${from}-${to}]` : `\\{${from}\\.\\.${to}\\}`
  const width = from.startsWith('0') || to.startsWith('0') ? Math.max(from.length, to.length) : 0
  const numbers = Array.from({ length: Math.abs(last - first) + 1 }, (_, index) => Math.min(first, last) + index)
  return `(?:${numbers.map(number => String(number).padStart(width, '0')).join('|')})`
}
