/** Renders path templates with parameters, and reads the parameters back from keys that match. */
import type { ParamValue, ParamValues } from '../define/definition.ts'
import { hasControlCharacter, type TemplateToken, templateTokens } from '../define/template-syntax.ts'
import { PermanentError } from '../errors/errors.ts'
import { escapeGlob, excludedGlob, globMatcher, globPattern, isInHiddenFolder } from './glob.ts'

/**
 * Returns the path of a template without globs. A value stays in its segment: `/`, `\`, `%` and a leading dot are percent-encoded.
 * @throws PARAM_INVALID when a value is missing, empty, has control characters or is longer than a segment may be
 */
export function renderPath(template: string, values: ParamValues): string {
  return render(template, values, text => text)
}

/**
 * Returns the parameters that a key names, as texts, or undefined when it does not match; the inverse of `renderPath`.
 * A placeholder stands for text within a segment. A name that is used twice must have one value.
 */
export function matchPath(template: string, key: string): Record<string, string> | undefined {
  // A template that leaves paths out names no parameter.
  if (excludedGlob(template) !== undefined) return globMatcher(template)(key) ? {} : undefined
  const { pattern, names } = patternOf(template)
  const match = pattern.exec(key)
  if (match === null || isInHiddenFolder(key, template)) return undefined
  const values: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    const value = decodeValue(match.groups?.[`p${index}`])
    if (value === undefined) return undefined
    values[name] = value
  }
  return values
}

/** Returns the glob of a template under these values, which match literally. @throws PARAM_INVALID as `renderPath` */
export function templateGlob(template: string, values: ParamValues): string {
  return render(template, values, escapeGlob)
}

/** The most bytes of a file name on POSIX. */
const segmentBytesMax = 255

function render(template: string, values: ParamValues, writeValue: (text: string) => string): string {
  const renderToken = (token: TemplateToken) =>
    token.kind === 'text' ? token.text : writeValue(encodeValue(token.name, values[token.name]))
  return templateTokens(template).map(renderToken).join('')
}

function encodeValue(name: string, value: ParamValue | undefined): string {
  const text = value === undefined ? '' : String(value)
  if (text === '') throw invalidParam(name, value, 'a value that is not empty')
  if (hasControlCharacter(text)) throw invalidParam(name, value, 'a value without control characters')
  if (!text.isWellFormed()) throw invalidParam(name, value, 'a value of whole Unicode characters')
  const encoded = escapeValue(text)
  if (new TextEncoder().encode(encoded).length > segmentBytesMax)
    throw invalidParam(name, value, `a value of at most ${segmentBytesMax} bytes`)
  return encoded
}

function escapeValue(text: string): string {
  return text.replace(/[%/\\]|^\./g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Returns the value that `renderPath` writes as this text; undefined for a text that it never writes, because a run could not find its key again. */
function decodeValue(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const value = text.replace(/%(2F|5C|25|2E)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return escapeValue(value) === text ? value : undefined
}

/** First of the private-use characters that stand for placeholders while the glob becomes a pattern. */
const firstMarker = 0xe000

function patternOf(template: string): { pattern: RegExp; names: string[] } {
  const names: string[] = []
  const glob = templateTokens(template).map(token => {
    if (token.kind === 'text') return token.text
    if (!names.includes(token.name)) names.push(token.name)
    return String.fromCharCode(firstMarker + names.indexOf(token.name))
  })
  const seen = new Set<number>()
  const source = globPattern(glob.join('')).source.replace(/[\ue000-\ue0ff]/g, marker => {
    const index = marker.charCodeAt(0) - firstMarker
    if (seen.has(index)) return `\\k<p${index}>`
    seen.add(index)
    return `(?<p${index}>[^/]+?)`
  })
  return { pattern: new RegExp(source, 'su'), names }
}

function invalidParam(name: string, value: ParamValue | undefined, expected: string): PermanentError {
  const got = value === undefined ? 'nothing' : JSON.stringify(String(value).slice(0, 60))
  return new PermanentError('PARAM_INVALID', `param ${name}: expected ${expected}, got ${got}`, { param: name })
}
