/** `fanmill runs`, `status`, `rejects` and `clean`: what the state below the output root says, and its removal. */
import type { Command } from 'commander'
import type { ParamValues } from '../define/definition.ts'
import { formatBytes, formatCount } from './amounts.ts'
import { loadLibrary } from './library.ts'
import { addCommand, addOutputOption, addS3Options, type CommonOptions, countParser, readDays } from './options.ts'
import { print, printJson, visible } from './output.ts'
import { readSettingValues } from './settings.ts'
import { printTable } from './table.ts'

export function addRunsCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'runs',
    description: 'list what ran, with status, progress and output',
    examples: ['runs', 'runs --output out --json'],
  })
  addS3Options(addOutputOption(command)).action(runsAction)
}

export function addStatusCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'status [run]',
    description: 'print progress and failures of a run (default: the latest)',
    examples: ['status', 'status 0f3a9c1d5e7b2468 --json'],
  })
  addS3Options(addOutputOption(command)).action(statusAction)
}

export function addRejectsCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'rejects <run>',
    description: 'print the rejected rows of a run',
    examples: ['rejects 0f3a9c1d5e7b2468', 'rejects 0f3a9c1d5e7b2468 --limit 1000 --json'],
  })
  addS3Options(addOutputOption(command))
    .option('--limit <n>', 'how many rows (default: 100)', countParser(1))
    .action(rejectsAction)
}

export function addCleanCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'clean',
    description: 'remove old state, and what interrupted runs left behind',
    examples: ['clean --dry-run', 'clean --older-than 30d'],
  })
  addS3Options(addOutputOption(command))
    .option('--older-than <age>', 'such as 7d, 12h or 30m (default: 7d)', readDays)
    .option('--dry-run', 'print what would go, remove nothing')
    .action(cleanAction)
}

/** What the commands show of a run. */
interface RunRow {
  readonly runId: string
  readonly attempt: number
  readonly task: string
  readonly params: ParamValues
  readonly status: string
  readonly batchesDone: number
  readonly batches: number
  readonly rows: number
  readonly output: string
  readonly startedAt: string
}

async function runsAction({ json, ...flags }: CommonOptions): Promise<void> {
  const { listRuns } = await loadLibrary()
  const { output, ...access } = readSettingValues(flags)
  const runs = await listRuns(output, access)
  if (json) return printJson(runs)
  const titles = ['run', 'attempt', 'task', 'params', 'status', 'batches', 'rows', 'started', 'output']
  const numbers = ['attempt', 'batches', 'rows']
  await printTable(titles, runs.map(runRow), { numbers, otherwise: 'no runs' })
}

function runRow({ batchesDone, batches, rows, ...run }: RunRow): readonly unknown[] {
  const { runId, attempt, task, params, status, startedAt, output } = run
  const progress = `${batchesDone}/${batches}`
  return [runId, attempt, task, paramsText(params), status, progress, formatCount(rows), startedAt, output]
}

function paramsText(params: ParamValues): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

async function statusAction(run: string | undefined, { json, ...flags }: CommonOptions): Promise<void> {
  const { runStatus } = await loadLibrary()
  const { output, ...access } = readSettingValues(flags)
  const status = await runStatus(output, run, access)
  if (json) return printJson(status)
  print(`run ${status.runId}, attempt ${status.attempt}: ${status.status}`)
  print(visible(`task ${status.task} ${paramsText(status.params)}`.trimEnd()))
  print(`${status.batchesDone} of ${status.batches} batches, ${formatCount(status.rows)} rows`)
  print(visible(`output ${status.output}`))
  if (status.failures.length === 0) return
  const rows = status.failures.map(({ batch, code, member, line, message }) => [batch, code, member, line, message])
  await printTable(['batch', 'code', 'member', 'line', 'message'], rows, { numbers: ['batch', 'line'] })
}

async function rejectsAction(
  run: string,
  { json, limit = 100, ...flags }: CommonOptions & { limit?: number },
): Promise<void> {
  const { readRejects } = await loadLibrary()
  const { output, ...access } = readSettingValues(flags)
  const rejects = await readRejects(output, run, limit, access)
  if (json) for (const reject of rejects) printJson(reject)
  else {
    const rows = rejects.map(({ archive, member, line, column, expected, received }) => {
      return [archive, member, line, column, expected, received]
    })
    const titles = ['archive', 'member', 'line', 'column', 'expected', 'received']
    await printTable(titles, rows, { numbers: ['line'], otherwise: 'no rejects' })
  }
}

interface CleanFlags extends CommonOptions {
  readonly olderThan?: number
  readonly dryRun?: boolean
}

async function cleanAction({ json, olderThan = 7, dryRun = false, ...flags }: CleanFlags): Promise<void> {
  const { cleanState } = await loadLibrary()
  const { output, ...access } = readSettingValues(flags)
  const { removed } = await cleanState(output, { ...access, olderThanDays: olderThan, dryRun })
  if (json) return printJson({ dryRun, removed })
  for (const { key, bytes } of removed) print(visible(`${key}  ${formatBytes(bytes)}`))
  const bytes = removed.reduce((total, one) => total + one.bytes, 0)
  print(`${formatCount(removed.length)} files, ${formatBytes(bytes)} ${dryRun ? 'would be removed' : 'removed'}`)
}
