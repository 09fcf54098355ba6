/** `fanmill logs`: prints the logs of a deployed pipeline's functions. */
import { type Command, Option } from 'commander'
import type { LogLine } from '../../deployed/log-lines.ts'
import type { LogOptions } from '../../deployed/logs.ts'
import { logLevels } from '../../model/events.ts'
import { addCommand, addStackOptions, type CommonOptions, readDays } from '../options.ts'
import { print, printJson, visible } from '../output.ts'
import { readStack } from '../place.ts'

export function addLogsCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'logs [run]',
    description: 'print the logs of a deployed pipeline, or of one run or execution, in order of time',
    examples: [
      'logs --stack FanmillFlights --since 2h --level warn',
      'logs 0f3a9c1d5e7b2468 --stack FanmillFlights --follow',
    ],
  })
  addStackOptions(command)
    .addOption(
      new Option('--level <level>', 'least level of lines that are printed (default: info)').choices(logLevels),
    )
    .option(
      '--since <age>',
      'how far back, such as 7d, 12h or 30m (default: to the beginning of the run, else 1h)',
      readDays,
    )
    .option('--follow', 'continue until the run has ended, or Ctrl-C')
    .action(logsAction)
}

/** Here `since` is an age in days. */
type LogsFlags = CommonOptions & Pick<LogOptions, 'level' | 'since' | 'follow'>

async function logsAction(run: string | undefined, { json, level, since, follow, ...flags }: LogsFlags): Promise<void> {
  const { deployedLogs } = await import('../../deployed/logs.ts')
  const sinceMs = since === undefined ? undefined : Date.now() - since * dayMs
  const given = { ...readStack(flags), level, since: sinceMs, follow }
  for await (const line of deployedLogs(given, run)) json ? printJson(line) : print(visible(lineText(line)))
}

const dayMs = 86_400_000

/** Fields that are not printed: the same in every line of an attempt, or printed elsewhere in the line. */
const hiddenFields = ['attempt', 'cold_start', 'fault', 'error', 'stack']

function lineText({ at, level, step, task, batch, member, message, fields }: LogLine): string {
  const { code } = (fields.fault ?? {}) as { readonly code?: string }
  const facts = Object.entries(fields)
    .filter(([name]) => !hiddenFields.includes(name))
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
  const where = [task, batch !== undefined && `batch ${batch}`, member].filter(Boolean).join(', ')
  return [at, level.padEnd(5), step.padEnd(7), where && `${where}:`, code, message, ...facts].filter(Boolean).join(' ')
}
