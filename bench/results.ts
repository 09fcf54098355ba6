/** Keeps the last measurement of each case, and writes RESULTS.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Case, Target } from './case.ts'
import { dataFolder, machine } from './inputs.ts'
import { awsHeading, readSection, stateHeading } from './page-section.ts'
import type { Summary } from './summary.ts'

/** Result of one case, whose sides were measured in turns in one run of the benchmark. */
export interface CaseResult {
  readonly name: string
  readonly title: string
  readonly date: string
  readonly command: string
  readonly note?: string
  readonly sides: Readonly<Record<string, Summary>>
  readonly targets: readonly { readonly text: string; readonly value: string; readonly met: string }[]
}

const kept = join(dataFolder, 'results.json')
const page = fileURLToPath(new URL('RESULTS.md', import.meta.url))

export function resultOf(measured: Case, sides: Readonly<Record<string, Summary>>, command: string): CaseResult {
  const targets = measured.targets
    .filter(({ of }) => of.every(label => label in sides))
    .map(target => ({ text: targetText(target), ...judge(target, sides) }))
  const { name, title, note } = measured
  return {
    name,
    title,
    note,
    date: new Date().toISOString().slice(0, 10),
    command,
    sides,
    targets,
  }
}

/** Replaces the case's last result; results of another machine are dropped. */
export function keep(result: CaseResult, order: readonly string[]): void {
  const earlier = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {}
  const results: Record<string, CaseResult> = earlier.machine === machine() ? earlier.results : {}
  results[result.name] = result
  writeFileSync(kept, JSON.stringify({ machine: machine(), results }, undefined, 1))
  writeFileSync(page, render(order.flatMap(name => results[name] ?? [])))
}

/** Formats a case as a Markdown table. */
export function caseTable({ name, title, date, command, sides, note }: CaseResult): string {
  const head = ['side', 'runs', 'seconds: min / **median** / max', 'cpu s', 'peak MB', 'MB/s', 'result']
  const rows = Object.entries(sides).map(([label, side]) => [label, ...sideCells(side)])
  return [
    `### ${name}: ${title}`,
    '',
    `${date}, \`${command}\``,
    '',
    ...table(head, rows),
    '',
    ...(note === undefined ? [] : [note, '']),
  ].join('\n')
}

function sideCells({ runs, seconds, cpuSeconds, peakMb, mbPerSecond, isChecked, wrong }: Summary): string[] {
  const right = wrong.length === 0 ? (isChecked ? 'right' : '') : `NO: ${wrong.join('; ')}`
  if (runs === 0) return ['0', '', '', '', '', right]
  const times = `${seconds.min.toFixed(2)} / **${seconds.median.toFixed(2)}** / ${seconds.max.toFixed(2)}`
  return [`${runs}`, times, cpuSeconds.toFixed(1), peakMb.toFixed(0), mbPerSecond?.toFixed(0) ?? '', right]
}

function render(results: readonly CaseResult[]): string {
  const targets = results.flatMap(result =>
    result.targets.map(({ text, value, met }) => [result.name, text, value, met]),
  )
  return `# What was measured

${machine()}

Each measurement is one whole process, from its start to its end, with its input in the page cache. The sides of a case take turns (A B A B …), and a
ratio is of the medians of one such run. Peak memory is the largest sum of resident sizes over the process and all that it starts, sampled every 50 ms; files in a tmpfs are not
in it. MB are 10⁶ bytes; MB/s is of inflated CSV. Both sides write snappy. "right" means that every row has the hash that Python's csv module
finds for it, with count, sums, types and extremes; of inputs above ten million rows, count, sum of ids and types; of extracted members, their count and bytes. Made by \`npm run bench\`; the last measurement of each case is shown.

## Targets

${table(['case', 'target', 'measured', 'met'], targets).join('\n')}

## Cases

${results.map(caseTable).join('\n')}${readSection(stateHeading)}${readSection(awsHeading)}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
}

function targetText({ what, unit, bound, limit }: Target): string {
  return bound === 'given' ? what : `${what}: ${bound} ${limit} ${unit}`
}

/** Compares a target with the measurement; a side that failed or wrote wrong rows has no time. */
function judge({ unit, bound, limit, of, value: find }: Target, sides: Readonly<Record<string, Summary>>) {
  const value = of.some(label => sides[label]?.wrong.length !== 0) ? undefined : find(sides)
  if (value === undefined) return { value: 'not measured', met: '**no**' }
  const isMet = bound === 'at most' ? value <= limit : value >= limit
  return {
    value: `${value.toFixed(unit === 'MB' ? 0 : 2)} ${unit}`,
    met: bound === 'given' ? 'no target' : isMet ? 'yes' : '**no**',
  }
}
