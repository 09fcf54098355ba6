/** Writes the measurement of a case into RESULTS.md: its section, and its rows among the targets. */
import { loadavg } from 'node:os'
import type { Case, Target } from './case.ts'
import { machine } from './inputs.ts'
import { readSection, stateHeading, writeSection } from './page-section.ts'
import type { Summary } from './summary.ts'

/** Result of one case, whose sides were measured in turns in one run of the benchmark. */
export interface CaseResult {
  readonly name: string
  readonly title: string
  readonly date: string
  readonly command: string
  readonly machine: string
  /** The processes that wanted the CPUs in the last 15 minutes. */
  readonly load: number
  readonly note?: string
  readonly sides: Readonly<Record<string, Summary>>
  readonly targets: readonly { readonly text: string; readonly value: string; readonly met: string }[]
}

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
    machine: machine(),
    load: loadavg()[2] ?? 0,
    sides,
    targets,
  }
}

/** Replaces what an earlier measurement of the case left; `order` has the names of all cases. */
export function keep(result: CaseResult, order: readonly string[]): void {
  const later = order.slice(order.indexOf(result.name) + 1).map(name => `### ${name}: `)
  const before = [...later, stateHeading].find(heading => readSection(heading) !== '')
  writeSection(`### ${result.name}: `, caseTable(result).split('\n'), before)
  const caseOf = (row: string): string => /^\| (\S+) \|/.exec(row)?.[1] ?? ''
  const others = readSection(targetsHeading)
    .split('\n')
    .filter(row => order.includes(caseOf(row)) && caseOf(row) !== result.name)
  const own = result.targets.map(({ text, value, met }) => tableRow([result.name, text, value, met]))
  const rows = [...others, ...own].toSorted((a, b) => order.indexOf(caseOf(a)) - order.indexOf(caseOf(b)))
  writeSection(targetsHeading, [targetsHeading, '', ...table(['case', 'target', 'measured', 'met'], []), ...rows])
}

const targetsHeading = '## Targets'

/** Formats a case as a Markdown table. */
export function caseTable({ name, title, date, command, machine, load, sides, note }: CaseResult): string {
  const head = ['side', 'runs', 'seconds: min / **median** / max', 'cpu s', 'peak MB', 'MB/s', 'result']
  const rows = Object.entries(sides).map(([label, side]) => [label, ...sideCells(side)])
  return [
    `### ${name}: ${title}`,
    '',
    `${date}, \`${command}\`; ${machine}; load ${load.toFixed(1)}`,
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

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map(tableRow)
}

const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

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
