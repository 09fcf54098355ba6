/** Figures that are not times of whole processes: each case measures itself. They are the last section of RESULTS.md. */
import { awsHeading, readSection, writeSection } from './page-section.ts'

export interface FigureCase {
  readonly name: string
  readonly title: string
  measure(): Promise<Figures>
}

export interface Figures {
  /** Paragraphs before the tables. */
  readonly says: readonly string[]
  readonly tables: readonly Table[]
}

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Measures a case, replaces its section in RESULTS.md, and prints it. */
export async function keepFigures(measured: FigureCase): Promise<void> {
  const lines = linesOf(measured, await measured.measure())
  if (readSection(awsHeading) === '') writeSection(awsHeading, [awsHeading, '', intro])
  writeSection(`### ${measured.name}: `, lines)
  console.log(`\n${lines.join('\n')}`)
}

const intro =
  'Counted and timed on LocalStack, whose functions are processes of this machine and whose S3 is a process beside them; dollars are arithmetic, nothing was deployed to AWS.'

function linesOf({ name, title }: FigureCase, { says, tables }: Figures): string[] {
  const made = `${new Date().toISOString().slice(0, 10)}, \`npm run bench -- --only ${name}\``
  const paragraphs = [`### ${name}: ${title}`, made, ...says].flatMap(text => [text, ''])
  return [...paragraphs, ...tables.flatMap(({ head, rows }) => [...markdown(head, rows), ''])]
}

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
