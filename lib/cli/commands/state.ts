/** `fanmill runs`, `status`, `rejects` and `clean`: print the state below an output root, and remove old state. */
import type { Command } from 'commander'
import { count } from '../../local/options/options.ts'
import type { RunSummary } from '../../local/state.ts'
import { paramsText } from '../../model/run/node-name.ts'
import { addCommand, addRootOptions, type CommonOptions, flagParser, readDays } from '../options.ts'
import { print, printJson, printToStderr, visible } from '../output.ts'
import { readPlace } from '../place.ts'
import { formatBytes, formatCount } from '../view/amounts.ts'
import { printNodes } from '../view/ended-nodes.ts'
import { printFaults, rejectTable } from '../view/fault-tables.ts'
import { printExecution, printRun } from '../view/runs.ts'
import { printTable } from '../view/table.ts'

export function addRunsCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'runs',
    description: 'list what ran, the latest first, with status, progress and output',
    examples: ['runs --limit 1000', 'runs --stack FanmillFlights --json'],
  })
  addRootOptions(command)
    .option('--limit <n>', 'how many runs (default: 100, with --json all)', flagParser(count))
    .action(runsAction)
}

export function addStatusCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'status [run]',
    description:
      'print progress and failures of a run, or of an execution of a stack (default: the latest, with all its nodes)',
    examples: ['status', 'status 0f3a9c1d5e7b2468 --stack FanmillFlights --json'],
  })
  addRootOptions(command).action(statusAction)
}

export function addRejectsCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'rejects [run]',
    description:
      'print the rejected rows of a run, or of an execution of a stack (default: the latest, of all its nodes)',
    examples: ['rejects', 'rejects 0f3a9c1d5e7b2468 --limit 1000 --json'],
  })
  addRootOptions(command).option('--limit <n>', 'how many rows (default: 100)', flagParser(count)).action(rejectsAction)
}

export function addCleanCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'clean',
    description: 'remove what failed and interrupted runs left behind, and old state',
    examples: ['clean --dry-run', 'clean --older-than 30d'],
  })
  addRootOptions(command)
    .option(
      '--older-than <age>',
      'such as 7d, 12h or 30m (default: 7d, and what failed runs left at any age)',
      readDays,
    )
    .option('--old-salts <pipeline>', 'also remove datasets of salted outputs that other code of this pipeline wrote')
    .option('--dry-run', 'print what would be removed, remove nothing')
    .action(cleanAction)
}

async function runsAction({ json, limit: limitFlag, ...flags }: CommonOptions & { readonly limit?: number }) {
  const { output, access, deployed } = await readPlace(flags)
  // One more is read than is shown, to know whether there are more.
  const shownMax = limitFlag ?? (json ? Number.POSITIVE_INFINITY : runsShownMax)
  const limit = shownMax + 1
  const found = deployed
    ? await (await import('../../deployed/deployed.ts')).deployedRuns(deployed, limit)
    : await (await import('../../local/state.ts')).listRuns({ output, limit, ...access })
  const runs = found.slice(0, shownMax)
  if (json) return printJson(runs)
  const titles = ['run', 'attempt', 'task', 'params', 'status', 'batches', 'rows', 'started', 'output']
  const numbers = ['attempt', 'batches', 'rows']
  printTable(titles, runs.map(runRow), { numbers, otherwise: 'no runs' })
  if (found.length > runs.length) print(`the latest ${formatCount(runs.length)}; --limit shows more`)
}

const runsShownMax = 100

function runRow({ batchesDone, batches, rowsWritten, ...run }: RunSummary): readonly unknown[] {
  const { runId, attempt, task, params, status, startedAt, output } = run
  const progress = `${batchesDone}/${batches}`
  return [runId, attempt, task, paramsText(params), status, progress, formatCount(rowsWritten), startedAt, output]
}

async function statusAction(
  runId: string | undefined,
  { json, ...flags }: CommonOptions & { readonly output?: string },
): Promise<void> {
  const { output, access, deployed } = await readPlace(flags)
  if (!deployed) {
    const { readStatus } = await import('../../local/state.ts')
    const status = await readStatus({ output, runId, ...access })
    if (json) return printJson(status)
    if (!status.nodes) return printRun(status)
    return printNodes(status.nodes, flags.output === undefined ? '' : ` --output ${flags.output}`)
  }
  const { deployedStatus } = await import('../../deployed/status.ts')
  const status = await deployedStatus(deployed, runId)
  if (json) return printJson(status)
  if (status.execution) return printExecution(status.execution, status.runs)
  for (const each of status.runs) await printRun(each)
}

async function rejectsAction(
  runId: string | undefined,
  { json, limit = 100, ...flags }: CommonOptions & { limit?: number },
): Promise<void> {
  const { output, access, deployed } = await readPlace(flags)
  const rejects = deployed
    ? await (await import('../../deployed/status.ts')).deployedRejects(deployed, { name: runId, limit })
    : await (await import('../../local/state.ts')).readRejects({ output, runId, limit, ...access })
  if (json) for (const reject of rejects) printJson(reject)
  else printFaults(rejectTable(rejects), 'no rejects')
}

interface CleanFlags extends CommonOptions {
  readonly olderThan?: number
  readonly dryRun?: boolean
  readonly oldSalts?: string
}

async function cleanAction({ json, olderThan, dryRun = false, oldSalts, ...flags }: CleanFlags): Promise<void> {
  const { cleanState } = await import('../../local/clean-state.ts')
  const { output, access } = await readPlace(flags)
  const { removed, damaged } = await cleanState({
    ...{ output, olderThanDays: olderThan, dryRun, oldSaltsOf: oldSalts },
    ...access,
  })
  if (json) return printJson({ dryRun, removed, damaged })
  for (const { message } of damaged) printToStderr(`fanmill: state of a damaged file is kept: ${visible(message)}`)
  for (const { key, bytes } of removed) print(visible(`${key}  ${formatBytes(bytes)}`))
  const bytes = removed.reduce((total, one) => total + one.bytes, 0)
  print(`${formatCount(removed.length)} files, ${formatBytes(bytes)} ${dryRun ? 'would be removed' : 'removed'}`)
}
