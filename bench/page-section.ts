/** One section of RESULTS.md that a measurement of its own writes, and that the others keep as it is. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const page = fileURLToPath(new URL('RESULTS.md', import.meta.url))
/** Its title; it stands before the figures of AWS, which are the end of the page. */
export const stateHeading = '## Many runs in the state'
const nextHeading = '\n## '

/** The section with a line before it; empty where there is none yet. */
export function readSection(heading = stateHeading): string {
  const text = existsSync(page) ? readFileSync(page, 'utf8') : ''
  const start = text.indexOf(`\n${heading}\n`)
  if (start < 0) return ''
  const end = text.indexOf(nextHeading, start + heading.length)
  return text.slice(start, end < 0 ? undefined : end)
}

/** Replaces the section, or adds it before the figures of AWS. */
export function writeSection(lines: readonly string[], heading = stateHeading): void {
  const text = readFileSync(page, 'utf8')
  const section = `\n${[heading, '', ...lines].join('\n')}\n`
  const earlier = readSection(heading)
  const aws = text.indexOf('\n## On AWS\n')
  const at = aws < 0 ? text.length : aws
  writeFileSync(page, earlier ? text.replace(earlier, () => section) : text.slice(0, at) + section + text.slice(at))
}
