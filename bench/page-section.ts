/** Sections of RESULTS.md: a measurement replaces its own, and all others stay as they are. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const page = fileURLToPath(new URL('RESULTS.md', import.meta.url))

/** Headings of the sections that stand behind the cases. */
export const stateHeading = '## Many runs in the state'
export const awsHeading = '## On AWS'

/** Returns the section whose heading begins so, with the line before it; empty when the page has none. */
export function readSection(heading: string): string {
  const text = existsSync(page) ? readFileSync(page, 'utf8') : ''
  const start = text.indexOf(`\n${heading}`)
  if (start < 0) return ''
  const level = heading.indexOf(' ')
  const length = text.slice(start + 1 + heading.length).search(new RegExp(`\\n#{1,${level}} `))
  return text.slice(start, length < 0 ? undefined : start + 1 + heading.length + length)
}

/** Replaces a section; a new one is added before the section `before`, by default at the end of the page. */
export function writeSection(heading: string, lines: readonly string[], before = ''): void {
  const text = readFileSync(page, 'utf8')
  const section = `\n${lines.join('\n').trimEnd()}\n`
  const earlier = readSection(heading)
  const next = before === '' ? -1 : text.indexOf(`\n${before}`)
  const at = next < 0 ? text.length : next
  writeFileSync(page, earlier ? text.replace(earlier, () => section) : text.slice(0, at) + section + text.slice(at))
}
