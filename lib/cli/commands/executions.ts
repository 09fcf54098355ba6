/** `fanmill start`, `retry` and `stop`: executions of a deployed pipeline. */
import type { Command } from 'commander'
import type { DeployedOptions } from '../../deployed/deployed.ts'
import type { Started, StartOptions } from '../../deployed/start.ts'
import { runOptions } from '../../local/options/run-options.ts'
import {
  addCommand,
  addParamOptions,
  addStackOptions,
  type CommonOptions,
  flagOption,
  type ParamOptions,
  readParams,
} from '../options.ts'
import { print, printJson, printToStderr, visible } from '../output.ts'
import { readStack, stackFlags } from '../place.ts'
import { endEventOf } from '../view/failure.ts'
import { openView, showResult, type ViewOptions } from '../view/run-result.ts'
import { whileWaiting } from '../waiting.ts'

export function addStartCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'start [task]',
    description: 'start a deployed pipeline, or one task of it',
    examples: [
      'start --stack FanmillFlights --param month=2001-01 --wait',
      'start flights --stack FanmillFlights --force --ship pipelines/flights.ts',
    ],
  })
  addParamOptions(addStackOptions(command))
    .addOption(flagOption(runOptions.force))
    .option(
      '--ship [pipeline]',
      'run the code of this file, or of the deployed file as it is now, without a deployment',
    )
  addWaitOptions(command).action(startAction)
}

export function addRetryCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'retry [run]',
    description: 'resume a deployed run that failed or was stopped; finished batches are kept',
    examples: ['retry --stack FanmillFlights', 'retry 0f3a9c1d5e7b2468 --stack FanmillFlights --wait'],
  })
  addWaitOptions(addStackOptions(command)).action(retryAction)
}

export function addStopCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'stop [run]',
    description: 'stop an execution of a deployed pipeline, by its name or its run (default: the one that runs)',
    examples: ['stop --stack FanmillFlights', 'stop 0f3a9c1d5e7b2468 --stack FanmillFlights'],
  })
  addStackOptions(command).action(stopAction)
}

function addWaitOptions(command: Command): Command {
  return command
    .option('--wait', 'wait for the end; Ctrl-C ends the waiting, not the run')
    .option('--quiet', 'with --wait: print warnings and errors alone')
}

interface WaitFlags extends ViewOptions {
  readonly wait?: boolean
}

type StartFlags = WaitFlags & ParamOptions & Pick<StartOptions, 'force' | 'ship'>

async function startAction(task: string | undefined, flags: StartFlags): Promise<void> {
  const stack = readStack({ ...flags })
  const params = readParams(flags)
  const { force, ship } = flags
  const { startDeployed } = await import('../../deployed/start.ts')
  await showStarted(await startDeployed({ ...stack, task, params, force, ship }), stack, flags)
}

async function retryAction(run: string | undefined, flags: WaitFlags): Promise<void> {
  const stack = readStack({ ...flags })
  const { retryDeployed } = await import('../../deployed/start.ts')
  await showStarted(await retryDeployed(stack, run), stack, flags)
}

async function showStarted(started: Started, stack: DeployedOptions, flags: WaitFlags): Promise<void> {
  const { execution, run, shipped } = started
  if (flags.wait) return showWaiting(started, stack, flags)
  if (flags.json) return printJson({ execution, shipped, ...(run && { run: run.runId, attempt: run.attempt }) })
  print(visible(startedText(started)))
  const { name } = execution
  for (const command of [`status ${name}`, `logs ${name} --follow`, `stop ${name}`])
    print(`  fanmill ${command} ${stackFlags(stack)}`)
}

function startedText({ execution, run, shipped }: Started): string {
  if (!run)
    return `started ${execution.name}${shipped === undefined ? '' : ` with shipped code ${shipped.slice(0, 12)}`}`
  const { runId, attempt, batches, batchesDone } = run
  const progress = batches === 0 ? 'it was not planned yet' : `${batchesDone} of ${batches} batches are finished`
  return `started ${execution.name}, which resumes run ${runId}, attempt ${attempt}: ${progress}`
}

async function showWaiting(started: Started, stack: DeployedOptions, flags: WaitFlags): Promise<void> {
  const { execution, wait } = started
  const view = await openView(flags)
  view.show({ event: 'log', level: 'info', message: startedText(started), fields: { execution: execution.arn } })
  const { result, stopped } = await whileWaiting(signal => wait({ signal, onEvent: view.show })).finally(view.stop)
  const pipelineFlags = stackFlags(stack)
  if (result) return showResult(result, { ...flags, execution: { name: execution.name, flags: pipelineFlags } })
  printToStderr(
    `fanmill: no longer waiting, ${execution.name} continues; fanmill status ${execution.name} ${pipelineFlags}`,
  )
  if (flags.json) printJson(endEventOf(stopped))
}

async function stopAction(run: string | undefined, { json, ...flags }: CommonOptions): Promise<void> {
  const stack = readStack(flags)
  const { stopDeployed } = await import('../../deployed/start.ts')
  const { execution, runs } = await stopDeployed(stack, run)
  if (json) return printJson({ execution, runs })
  const { name, status } = execution
  const stopping = `${name} stops when the batches that are being processed have ended`
  print(visible(status === 'running' ? stopping : `stopped ${name}`))
  for (const { runId, batches, batchesDone } of runs) {
    const done = `${batchesDone} of ${batches} batches are finished and kept`
    print(`run ${runId}: ${done}; fanmill retry ${runId} ${stackFlags(stack)} processes the others`)
  }
}
