/** Reads the regular expression of a `lines` format. Its named groups are columns, and RE2 must understand it. */
import { invalid } from '../check.ts'
import { differInMoreThanCase } from '../schemas.ts'

/**
 * Returns the source of a pattern with its groups written `(?P<name>…)`.
 * @throws DEFINITION_INVALID when it is no regular expression, has no named group, has unnamed groups, or has syntax that RE2 lacks
 */
export function readPattern(pattern: string | RegExp): string {
  const source = typeof pattern === 'string' ? pattern : withFlags(pattern)
  const { names, unsupported, re2 } = scan(source)
  if (unsupported !== undefined)
    throw invalid('lines: pattern', `expected RE2 syntax, got ${unsupported}, which RE2 does not know`)
  try {
    new RegExp(javaScriptSource(source))
  } catch (error) {
    throw invalid('lines: pattern', `expected a regular expression, got ${(error as Error).message}`)
  }
  if (names.length === 0)
    throw invalid('lines: pattern', `expected named groups such as (?<level>[A-Z]+), got none in ${source}`)
  const unnamed = names.indexOf('')
  if (unnamed >= 0)
    throw invalid(
      'lines: pattern',
      `expected every group to have a name, or to be (?:…), got group ${unnamed + 1} without`,
    )
  if (!differInMoreThanCase(names))
    throw invalid('lines: pattern', `expected group names that differ in more than case, got ${names.join(', ')}`)
  return re2
}

/** Returns the names of a pattern's groups, in order. */
export function groupNames(pattern: string): string[] {
  return scan(pattern).names
}

/** Returns whether a pattern from `readPattern` matches an empty line. */
export function matchesBlank(pattern: string): boolean {
  const source = javaScriptSource(pattern).replace(/\\([Az])/g, (_, anchor) => (anchor === 'A' ? '^' : '$'))
  return new RegExp(`^(?:${source})$`).test('')
}

/** Replaces RE2's syntax of flags and names. Flags change neither whether an empty line matches nor whether the syntax is right. */
const javaScriptSource = (pattern: string): string => pattern.replace(/^\(\?[a-zA-Z]+\)/, '').replaceAll('(?P<', '(?<')

interface ScannedPattern {
  /** The name of each capturing group; empty for one without a name. */
  readonly names: string[]
  readonly unsupported?: string
  readonly re2: string
}

/** Matches escapes, classes and the beginnings of groups. Nothing in a class or after a backslash begins a group. */
const pieces =
  /\\(?:k<[^>]*>|[\s\S])|\[\^?\]?(?:\\[\s\S]|\[:[a-z^]+:\]|[^\]\\])*\]|\(\?P?<([A-Za-z_]\w*)>|\(\?<?[=!]|\((?!\?)/g

function scan(source: string): ScannedPattern {
  const names: string[] = []
  let unsupported: string | undefined
  const re2 = source.replace(pieces, (found: string, name: string | undefined) => {
    if (name !== undefined) names.push(name)
    else if (found === '(') names.push('')
    else if (/^\(\?<?[=!]$|^\\[1-9]|^\\k/.test(found)) unsupported ??= found
    return name === undefined ? found : `(?P<${name}>`
  })
  return unsupported === undefined ? { names, re2 } : { names, re2, unsupported }
}

function withFlags(pattern: RegExp): string {
  const flags = pattern.flags.replace(/[guvyd]/g, '')
  return flags === '' ? pattern.source : `(?${flags})${pattern.source}`
}
