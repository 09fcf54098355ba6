/** Reads the regular expression of a `lines` format: one whose named groups are columns, in a syntax that RE2 knows too. */
import { invalid } from './check.ts'

/**
 * The source of a pattern, its groups written `(?P<name>…)`.
 * @throws DEFINITION_INVALID when it is not a regular expression, names no group, has unnamed groups, or what RE2 does not know
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
  if (new Set(names.map(name => name.toLowerCase())).size < names.length)
    throw invalid('lines: pattern', `expected group names that differ in more than case, got ${names.join(', ')}`)
  return re2
}

/** The names of a pattern's groups, in order. */
export function groupNames(pattern: string): string[] {
  return scan(pattern).names
}

/** Whether a pattern, as `readPattern` returns it, matches an empty line. */
export function matchesBlank(pattern: string): boolean {
  const source = javaScriptSource(pattern).replace(/\\([Az])/g, (_, anchor) => (anchor === 'A' ? '^' : '$'))
  return new RegExp(`^(?:${source})$`).test('')
}

/** RE2's own syntax of flags and names; flags do not matter to an empty line, nor to whether this is a regular expression. */
const javaScriptSource = (pattern: string): string => pattern.replace(/^\(\?[a-zA-Z]+\)/, '').replaceAll('(?P<', '(?<')

interface Scanned {
  /** Of every capturing group; empty for one without a name. */
  readonly names: string[]
  readonly unsupported?: string
  readonly re2: string
}

/** Escapes, classes and group openings; what stands in a class or after a backslash opens no group. */
const pieces =
  /\\(?:k<[^>]*>|[\s\S])|\[\^?\]?(?:\\[\s\S]|\[:[a-z^]+:\]|[^\]\\])*\]|\(\?P?<([A-Za-z_]\w*)>|\(\?<?[=!]|\((?!\?)/g

function scan(source: string): Scanned {
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
