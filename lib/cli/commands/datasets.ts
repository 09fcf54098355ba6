/** `fanmill show` and `fanmill head`: print what a dataset holds, and its first rows. */
import type { Command } from 'commander'
import type { HeadOptions } from '../../datasets/dataset.ts'
import { count } from '../../local/options/options.ts'
import type { Manifest } from '../../model/outcome/manifest.ts'
import { typeName } from '../../model/type-names.ts'
import { addCommand, addStackOptions, type CommonOptions, flagParser } from '../options.ts'
import { print, printJson, visible } from '../output.ts'
import { readDatasetPlace } from '../place.ts'
import { formatBytes, formatCount } from '../view/amounts.ts'
import { readingHints } from '../view/reading-hints.ts'
import { printTable } from '../view/table.ts'

/** Limit on the parts that `show` lists; `--json` lists all of them. */
const partsShownMax = 50

export function addShowCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'show <dataset>',
    description: 'print schema, parts, rows and bytes of a dataset, and how other tools read it',
    examples: ['show out/flights', 'show s3://lake/flights --json'],
  })
  addStackOptions(command, belowStack).action(showAction)
}

export function addHeadCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'head <dataset>',
    description: 'print the first rows of a dataset',
    examples: ['head out/flights --rows 5 --columns date,delay', 'head out/flights --where "delay > 60"'],
  })
  addStackOptions(command, belowStack)
    .option('--rows <n>', 'how many rows (default: 10)', flagParser(count))
    .option('--columns <names>', 'columns, separated by commas (default: all)', namesOf)
    .option('--where <sql>', 'a condition in SQL (default: every row)')
    .action(headAction)
}

const namesOf = (text: string): readonly string[] => text.split(',').map(name => name.trim())

const belowStack = 'CloudFormation stack of a deployed pipeline: the dataset is a path below its output'

async function showAction(named: string, { json, ...flags }: CommonOptions): Promise<void> {
  const { showDataset } = await import('../../datasets/dataset.ts')
  const { dataset, access } = await readDatasetPlace(named, flags)
  const manifest = await showDataset(dataset, access)
  if (json) printJson(manifest)
  else {
    printManifest(manifest)
    printHints(dataset, manifest)
  }
}

function printManifest({ task, generation, runs, schema, partitionBy, parts, totals, log }: Manifest): void {
  const counts = `${countOf(totals.rows, 'row')}, ${formatBytes(totals.bytes)}, ${countOf(totals.parts, 'part')}`
  print(visible(`${task}: ${counts}, ${log === 'delta' ? 'version' : 'generation'} ${generation}`))
  for (const { runId, params, finishedAt } of runs)
    print(visible(`run ${runId} ${JSON.stringify(params)} ${finishedAt}`))
  print('')
  const columns = schema.map(({ name, type }) => [name, typeName(type), partitionBy.includes(name) ? 'yes' : ''])
  printTable(['column', 'type', 'partition'], columns)
  print('')
  const numbers = ['rows', 'bytes']
  const rows = parts.slice(0, partsShownMax).map(part => [part.key, formatCount(part.rows), formatBytes(part.bytes)])
  printTable(['part', ...numbers], rows, { numbers })
  if (parts.length > partsShownMax) print(`and ${formatCount(parts.length - partsShownMax)} more; --json lists them`)
}

const countOf = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`

function printHints(dataset: string, manifest: Manifest): void {
  if (manifest.files !== undefined || manifest.parts.length === 0) return
  print('\nto read it with')
  for (const { tool, command } of readingHints(dataset, manifest)) print(visible(`  ${tool.padEnd(11)} ${command}`))
}

type HeadFlags = CommonOptions & Pick<HeadOptions, 'rows' | 'columns' | 'where'>

async function headAction(named: string, { json, rows = 10, columns, where, ...flags }: HeadFlags): Promise<void> {
  const { headDataset } = await import('../../datasets/dataset.ts')
  const { dataset, access } = await readDatasetPlace(named, flags)
  const head = await headDataset(dataset, { ...access, rows, columns, where })
  if (json) printJson(head)
  else printTable(head.columns, head.rows, { otherwise: 'no rows' })
}
