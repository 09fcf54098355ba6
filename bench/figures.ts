/** Figures that are not times of whole processes: each case measures itself. They are the last section of RESULTS.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataFolder, machine } from './inputs.ts'

export interface FigureCase {
  readonly name: string
  readonly title: string
  measure(): Promise<Figures>
}

export interface Figures {
  /** Paragraphs, before the tables. */
  readonly says: readonly string[]
  readonly tables: readonly Table[]
}

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

interface KeptFigures extends Figures {
  readonly title: string
  readonly date: string
}

const kept = join(dataFolder, 'figures.json')
const page = fileURLToPath(new URL('RESULTS.md', import.meta.url))
const heading = '## On AWS'

/** Measures, keeps what came in place of the last, and shows it. */
export async function keepFigures({ name, title, measure }: FigureCase): Promise<void> {
  const figures = await measure()
  const all = { ...readKept(), [name]: { title, date: new Date().toISOString().slice(0, 10), ...figures } }
  writeFileSync(kept, JSON.stringify({ machine: machine(), figures: all }, undefined, 1))
  const [before = ''] = readFileSync(page, 'utf8').split(`\n${heading}\n`)
  writeFileSync(page, `${before.trimEnd()}\n${figuresSection()}`)
  console.log(`\n${caseText(name, all[name] as KeptFigures)}`)
}

/** The end of RESULTS.md, with a line before; empty when nothing was measured on this machine. */
export function figuresSection(): string {
  const figures = Object.entries(readKept()).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
  if (figures.length === 0) return ''
  return `\n${heading}\n\n${intro}\n\n${figures.map(([name, each]) => caseText(name, each)).join('\n')}`
}

const order = ['s3', 'lambda', 'cost']
const intro =
  'Counted and timed on LocalStack, whose functions are processes of this machine and whose S3 is a process beside them; dollars are arithmetic, nothing was deployed to AWS.'

/** Figures of another machine are dropped. */
function readKept(): Readonly<Record<string, KeptFigures>> {
  if (!existsSync(kept)) return {}
  const earlier = JSON.parse(readFileSync(kept, 'utf8'))
  return earlier.machine === machine() ? earlier.figures : {}
}

function caseText(name: string, { title, date, says, tables }: KeptFigures): string {
  const text = tables.flatMap(({ head, rows }) => [...markdown(head, rows), ''])
  const command = `\`npm run bench -- --only ${name}\``
  return [`### ${name}: ${title}`, '', `${date}, ${command}`, '', ...says.flatMap(each => [each, '']), ...text].join(
    '\n',
  )
}

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
