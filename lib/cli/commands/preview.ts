/** `fanmill preview`: prints the first rows of a task, without a run. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { count, index } from '../../local/options/options.ts'
import type { Preview, PreviewOptions } from '../../local/preview/preview.ts'
import { isNumberName } from '../../model/type-names.ts'
import { withInterrupt } from '../interrupt.ts'
import {
  addCommand,
  addParamOptions,
  addSettings,
  type CommonOptions,
  flagParser,
  type ParamOptions,
  readParams,
} from '../options.ts'
import { print, printJson, printToStderr, visible } from '../output.ts'
import { readRunSettings } from '../settings.ts'
import { formatCount } from '../view/amounts.ts'
import { paintLevel } from '../view/colours.ts'
import { explain } from '../view/failure.ts'
import { printFaults, rejectTable } from '../view/fault-tables.ts'
import { printTable } from '../view/table.ts'

export function addPreviewCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'preview <pipeline> <task>',
    description: 'print the first rows of a task from the beginning of its first input, and write nothing',
    examples: [
      'preview pipelines/flights.ts flights --param month=2001-01',
      'preview pipelines/flights.ts flights --param month=2001-01 --step 1 --watch',
    ],
  })
  addSettings(addParamOptions(command), 'input', 'output', 'profile', 'region')
    .option('--rows <n>', 'how many rows (default: 20)', flagParser(count))
    .option('--step <n>', 'rows after this step; 0: as they are read (default: after all)', flagParser(index))
    .option('--watch', 'print them again when the pipeline, or a file that it imports, is saved')
    .action(previewAction)
}

interface PreviewFlags extends CommonOptions, ParamOptions, Pick<PreviewOptions, 'rows' | 'step'> {
  readonly watch?: boolean
}

async function previewAction(pipeline: string, task: string, flags: PreviewFlags): Promise<void> {
  const { input, output, profile, region } = readRunSettings({ ...flags })
  const { rows, step } = flags
  const { preview } = await import('../../local/preview/preview.ts')
  const show = async (): Promise<readonly string[]> => {
    const params = readParams(flags)
    const given = { task, params, rows, step, input, output, profile, region }
    const { files, ...shown } = await preview(pipeline, given)
    if (flags.json) printJson(shown)
    else printPreview(shown)
    return files
  }
  if (flags.watch) await withInterrupt(signal => watchAndShow(pipeline, show, signal))
  else await show()
}

/** Shows the rows each time that a source is saved. An error is shown, and the next change awaited. */
async function watchAndShow(
  pipeline: string,
  show: () => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<never> {
  const { watchFiles } = await import('../../local/preview/watch-files.ts')
  let files: readonly string[] = [resolve(pipeline)]
  for (;;) {
    // Begins before the rows are read, so that no change is missed.
    let change = watchFiles(files, signal)
    try {
      const now = await show()
      if (now.some(file => !files.includes(file))) {
        change.stop()
        files = now
        change = watchFiles(files, signal)
      }
    } catch (error) {
      await explain(error)
    }
    printToStderr('waiting for a change; press Ctrl-C to end')
    await change.saved
    if (process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H')
  }
}

function printPreview(shown: Omit<Preview, 'files'>): void {
  const { columns, rows, rejects, recordsRejected, notes, logs } = shown
  print(visible(headline(shown)))
  for (const note of notes) print(visible(`note: ${note}`))
  for (const { level, message } of logs.slice(0, logsShownMax))
    printToStderr(`${paintLevel(level)}: ${visible(message)}`)
  print('')
  const titles = columns.map(({ name, type }) => `${name}: ${type}`)
  const numbers = titles.filter((_, at) => isNumberName(columns[at]?.type ?? ''))
  printTable(titles, rows, { numbers, otherwise: `no rows; columns ${titles.join(', ')}` })
  if (recordsRejected === 0) return
  print(
    `\n${formatCount(recordsRejected)} records are rejects${rejects.length < recordsRejected ? ', the first' : ''}:`,
  )
  printFaults(rejectTable(rejects))
}

/** Lines that the user's functions logged. */
const logsShownMax = 20

function headline({ node, step, steps, recordsRead, place, isWhole }: Omit<Preview, 'files'>): string {
  const after = step === steps ? '' : step === 0 ? ' as it is read' : ` after step ${step} of ${steps}`
  const read =
    place && `${formatCount(recordsRead)} records ${isWhole ? 'of' : 'from the beginning of'} ${placeText(place)}`
  return `${node}${after}${read ? `: ${read}` : ''}`
}

const placeText = ({ archive, member }: NonNullable<Preview['place']>): string =>
  member === undefined ? archive : `${member} in ${archive}`
