/** Starts, retries and stops runs of a deployed pipeline. */
import { FanmillError, PermanentError } from '../errors/errors.ts'
import type { RunResult } from '../local/task-context.ts'
import { canonicalJson } from '../model/run/identity.ts'
import { paramsText } from '../model/run/node-name.ts'
import { executionIn } from '../model/run/owner.ts'
import { endRun } from '../runs/run-lease.ts'
import { listRuns, type RunSummary } from '../runs/runs.ts'
import { leaveStopped } from '../runs/turn.ts'
import type { Execution, ExecutionDetail } from './aws-control.ts'
import { type Deployed, type DeployedOptions, openDeployed } from './deployed.ts'
import { findExecutionOf, findNamed, type Start, startNew, stopAndWait } from './executions.ts'
import { isActive, runOperations } from './operations-by-status.ts'
import { renewUse, ship, shippedBy } from './ship.ts'
import { readRuns, readStatus } from './status.ts'
import { type WaitOptions, waitFor } from './wait.ts'

export interface Started {
  readonly execution: Execution
  /** The run that it continues; only from `retryDeployed`. */
  readonly run?: RunSummary
  /** Hash of the shipped code that it runs. */
  readonly shipped?: string | undefined
  /** Follows it to its end. */
  wait(options?: WaitOptions): Promise<RunResult>
}

/** Starts an execution: all tasks, or one. Its parameters are checked by Plan. @throws as `findPipeline` and `ship` */
export async function startDeployed(options: DeployedOptions & StartOptions): Promise<Started> {
  const { task, params, force, ship: file } = options
  const deployed = await openDeployed(options)
  const shipped = file === undefined ? undefined : await ship(deployed, file)
  const execution = await startNew(deployed, { task, params, force: force || undefined, shipped })
  return { ...startedOf(deployed, execution), shipped }
}

export interface StartOptions extends Omit<Start, 'resume' | 'shipped'> {
  /** File of the pipeline whose code the execution runs; `true` for the file that was deployed. Default the deployed code. */
  readonly ship?: string | true | undefined
}

/**
 * Continues a run that is not committed: only batches without an outcome are processed. Default the latest run of the only output
 * that has such a run. Plan refuses it when code or inputs have changed; shipped code is that of the execution before.
 * @throws RUN_ACTIVE, RUN_COMPLETE, RUN_UNKNOWN; USAGE without a name when there are several
 */
export async function retryDeployed(options: DeployedOptions, name?: string): Promise<Started> {
  const deployed = await openDeployed(options)
  const run = name === undefined ? await onlyUnfinished(deployed) : await namedRun(deployed, name)
  const { runId, attempt, task, params, owner } = run
  const shipped = shippedBy(await refuseRetry(deployed, run))
  // Deliberately ignored when a user may start executions but not write there: the run names the code, so that `clean` keeps it.
  if (shipped !== undefined) await renewUse(deployed.store, shipped).catch(ignoreFault)
  const resumed = { task, params, resume: { runId, attempt }, shipped }
  const execution = await startNew(deployed, resumed, [executionIn(owner.id)])
  return { ...startedOf(deployed, execution), run, shipped }
}

/**
 * Stops an execution, named by itself or by its run; default the only one that runs. Outcomes are kept. Returns the execution, which is still
 * `running` when invocations under way have to end first, and the runs that it worked on.
 * @throws EXECUTION_UNKNOWN when nothing runs, USAGE when several do, EXECUTION_FAILED when it has ended already
 */
export async function stopDeployed(options: DeployedOptions, name?: string) {
  const deployed = await openDeployed(options)
  const running = name === undefined ? await onlyRunning(deployed) : await namedRunning(deployed, name)
  const { tasks, ...execution } = await readStatus(deployed, await stopAndWait(deployed, running.arn))
  const runs = await readRuns(deployed, tasks)
  if (!isActive(execution)) await releaseAll(deployed, execution, runs)
  return { execution, runs }
}

/** Ends the runs and gives up the turns of a stopped execution, so that waiting uploads need not wait for its leases. Runs come first: the next holder of the turn needs them. */
async function releaseAll({ store }: Deployed, { arn }: Execution, runs: readonly RunSummary[]): Promise<void> {
  try {
    for (const run of runs)
      if (runOperations[run.status].isOpen && executionIn(run.owner.id) === arn)
        await endRun(store, run, { owner: run.owner, now: () => Date.now(), status: 'interrupted' })
    await leaveStopped(store, arn)
  } catch (error) {
    // Deliberately ignored: a user who may stop executions may not be allowed to write there, and the leases lapse by themselves.
    ignoreFault(error)
  }
}

/** @throws what is no error of Fanmill's own, such as a bug */
function ignoreFault(error: unknown): void {
  if (!(error instanceof FanmillError)) throw error
}

const startedOf = (deployed: Deployed, execution: Execution): Started => ({
  execution,
  wait: options => waitFor(deployed, execution.arn, options),
})

/** Finds a run by its own name or by that of its execution. */
async function namedRun(deployed: Deployed, name: string): Promise<RunSummary> {
  const named = await findNamed(deployed, name)
  if ('run' in named) return named.run
  const { tasks } = await readStatus(deployed, named.execution)
  const [run, ...others] = (await readRuns(deployed, tasks)).filter(({ status }) => runOperations[status].isOpen)
  if (run && others.length === 0) return run
  const { name: execution } = named.execution
  if (run) throw severalRuns(`execution ${execution} left`, [run, ...others])
  const message = `execution ${execution} left no run to continue; start a new one: fanmill start`
  throw new PermanentError('RUN_UNKNOWN', message, { execution })
}

/** Looks only at the latest run of each output and its parameters: it replaced the older ones. */
async function onlyUnfinished({ store, clock, name }: Deployed): Promise<RunSummary> {
  const latest = new Map<string, RunSummary>()
  for (const run of await listRuns(store, clock)) {
    const key = canonicalJson([run.output, run.task, run.params])
    if (!latest.has(key)) latest.set(key, run)
  }
  const { first: unfinished = [], last = [] } = Object.groupBy(
    latest.values(),
    run => runOperations[run.status].unnamed,
  )
  const [run = last[0], ...others] = unfinished
  if (others.length > 0) throw severalRuns(`pipeline ${name} has`, unfinished)
  if (run) return run
  const message = `pipeline ${name} has no run to continue: the latest of each output is complete`
  throw new PermanentError('RUN_UNKNOWN', message)
}

function severalRuns(what: string, runs: readonly RunSummary[]): PermanentError {
  const names = runs.map(({ runId, output, params }) => `${runId} (${`${output} ${paramsText(params)}`.trimEnd()})`)
  const message = `${what} ${runs.length} runs that can be continued, name one: ${names.join(', ')}`
  return new PermanentError('USAGE', message, { runs: runs.map(run => run.runId) })
}

/** Returns the execution that worked on the run, which is checked also when the lease has lapsed, because it may be slower than that. */
async function refuseRetry(deployed: Deployed, run: RunSummary): Promise<ExecutionDetail | undefined> {
  const { runId, owner, output } = run
  const { retry } = runOperations[run.status]
  if (retry === 'refuseComplete') {
    const message = `run ${runId} is complete in ${output}; to run it again: fanmill start ${run.task} --force`
    throw new PermanentError('RUN_COMPLETE', message, { runId })
  }
  const execution = await findExecutionOf(deployed, run)
  if (retry !== 'refuseActive' && !isActive(execution)) return execution
  const who = execution ? `execution ${execution.name}` : `a process on ${owner.host}`
  const advice = execution ? `wait for it, or: fanmill stop ${execution.name}` : 'wait for its end'
  throw new PermanentError('RUN_ACTIVE', `run ${runId} is being worked on by ${who}; ${advice}`, { runId, owner })
}

async function onlyRunning({ control, stateMachineArn, name }: Deployed): Promise<Execution> {
  const [execution, ...others] = await control.list(stateMachineArn, { status: 'running', max: runningMax })
  if (!execution) throw new PermanentError('EXECUTION_UNKNOWN', `no execution of pipeline ${name} runs`)
  if (others.length === 0) return execution
  const names = [execution, ...others].map(each => each.name)
  const message = `${names.length} executions of pipeline ${name} run, name one: ${names.join(', ')}`
  throw new PermanentError('USAGE', message, { executions: names })
}

/** Running executions that the error lists. */
const runningMax = 20

async function namedRunning(deployed: Deployed, name: string): Promise<Execution> {
  const named = await findNamed(deployed, name)
  const execution = 'run' in named ? await findExecutionOf(deployed, named.run) : named.execution
  if (execution && isActive(execution)) return execution
  const what = execution
    ? `execution ${execution.name} has ended already: ${execution.status}`
    : `no execution works on ${name}`
  throw new PermanentError('EXECUTION_FAILED', what, { name })
}
