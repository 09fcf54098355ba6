/** `fanmill run`: runs a pipeline or some of its tasks. */
import type { Command } from 'commander'
import { type RunOptions, runOptions } from '../../local/options/run-options.ts'
import { withInterrupt } from '../interrupt.ts'
import {
  addCommand,
  addRunOptions,
  addSettings,
  flagOption,
  type ParamOptions,
  readParams,
  someOf,
} from '../options.ts'
import { readRunSettings } from '../settings.ts'
import { sizeThreadpool } from '../threadpool.ts'
import { openView, showResult, type ViewOptions } from '../view/run-result.ts'

export function addRunCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'run <pipeline> [tasks...]',
    description: 'run a pipeline, or some tasks of it, unless complete already',
    examples: [
      'run pipelines/flights.ts --param month=2001-01 --input data --output out',
      'run pipelines/flights.ts flights weather --sample 1% --rejects-max 0.5%',
    ],
  })
  addSettings(addRunOptions(command), 'logLevel', 'rejectsMax', 'kmsKeyId')
    .addOption(flagOption(runOptions.failFast).conflicts('keepGoing'))
    .option('--keep-going', 'do the other batches when one fails (default)')
    .addOption(flagOption(runOptions.force))
    .addOption(flagOption(runOptions.keep))
    .option('--quiet', 'print warnings and errors alone')
    .action(runAction)
}

/** Flags that commander parsed; those that are settings are read with `readRunSettings`. */
type RunFlags = ViewOptions & ParamOptions & Pick<RunOptions, 'output' | 'sample' | 'force' | 'keep'>

async function runAction(pipeline: string, tasks: readonly string[], flags: RunFlags): Promise<void> {
  const settings = readRunSettings({ ...flags })
  sizeThreadpool(settings.workers, settings.reads)
  const { sample, force, keep } = flags
  const params = readParams(flags)
  const view = await openView(flags)
  const { startRun } = await import('../../local/start-run.ts')
  const given = { ...settings, task: someOf(tasks), params, sample, force, keep, onEvent: view.show }
  const result = await withInterrupt(signal => startRun(pipeline, { ...given, signal })).finally(view.stop)
  const isSample = sample !== undefined
  const output = isSample ? `${settings.output}/.fanmill/sample` : flags.output
  await showResult(result, { ...flags, isSample, output })
}
