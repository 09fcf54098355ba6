/** `fanmill run`: runs a pipeline or one of its tasks. */
import { type Command, Option } from 'commander'
import type { LogLevel } from '../model/events.ts'
import { withInterrupt } from './interrupt.ts'
import { loadLibrary } from './library.ts'
import {
  addCommand,
  addLogLevelOption,
  addRunOptions,
  type CommonOptions,
  type ParamOptions,
  readParams,
  readShare,
} from './options.ts'
import { openView, showResult } from './run-result.ts'
import { readSettingValues } from './settings.ts'
import { sizeThreadpool } from './threadpool.ts'

export function addRunCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'run <pipeline> [task]',
    description: 'run a pipeline, or one task of it, unless complete already',
    examples: [
      'run pipelines/flights.ts --param month=2001-01 --input data --output out',
      'run pipelines/flights.ts flights --sample 1% --rejects-max 0.5%',
    ],
  })
  addRunOptions(command)
  addLogLevelOption(command)
    .option(
      '--rejects-max <n|p%>',
      'rejected rows that do not fail a run (default: what the task says, else 0)',
      readShare,
    )
    .addOption(new Option('--fail-fast', 'stop at the first batch that fails').conflicts('keepGoing'))
    .option('--keep-going', 'do the other batches when one fails (default)')
    .option('--kms-key-id <key>', 'key that encrypts what is written to S3 (default: as the bucket says)')
    .option('--force', 'run although it is complete already')
    .option('--quiet', 'print warnings and errors alone')
    .action(runAction)
}

/** What commander parsed, but for the settings, which are read with `readSettingValues`. */
interface RunFlags extends CommonOptions, ParamOptions {
  readonly output?: string
  readonly sample?: number | `${number}%`
  readonly force?: boolean
  readonly quiet?: boolean
  readonly logLevel?: LogLevel
}

async function runAction(pipeline: string, task: string | undefined, flags: RunFlags): Promise<void> {
  const { memory: memoryMb, ...settings } = readSettingValues({ ...flags })
  sizeThreadpool(settings.workers ?? 1, settings.reads)
  const { sample, force } = flags
  const params = readParams(flags)
  const view = await openView(flags)
  const { run } = await loadLibrary()
  const result = await withInterrupt(signal => {
    const given = { ...settings, task, params, memoryMb, sample, force, signal, onEvent: view.show }
    return run(pipeline, withoutUndefined(given))
  }).finally(view.stop)
  const isSample = sample !== undefined
  await showResult(result, {
    ...flags,
    isSample,
    output: isSample ? `${settings.output}/.fanmill/sample` : flags.output,
  })
}

/** The library refuses no option that is undefined, but a spread over its defaults must not see one. */
function withoutUndefined<Given extends object>(given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Given
}
