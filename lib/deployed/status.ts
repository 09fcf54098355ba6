/** What an execution of a deployed pipeline does or did: its own state, its tasks, and the state of their runs. */
import { FanmillError, PermanentError } from '../errors/errors.ts'
import { type RunSummary, readAttempt, readRun } from '../runs/runs.ts'
import type { Execution, ExecutionDetail } from './aws-control.ts'
import { type Deployed, type DeployedOptions, openDeployed } from './deployed.ts'
import { continuedBy, type ExecutedTask, type Fault, faultOf, isOver, startedBy, tasksOf } from './execution-tasks.ts'
import { executionOf, findNamed } from './executions.ts'

export interface ExecutionStatus extends Execution {
  /** An upload, or what was asked for by hand. */
  readonly startedBy?: string
  /** ARN of the execution that it started with its own input when it had waited long. */
  readonly continuedBy?: string
  readonly tasks: readonly ExecutedTask[]
  /** Why it ended, where no task says so. */
  readonly fault?: Fault
}

export interface DeployedStatus {
  /** Absent for a run of some machine, or when it is forgotten. */
  readonly execution?: ExecutionStatus
  /** The run that was asked for, or those of the execution. */
  readonly runs: readonly RunSummary[]
}

/**
 * State of a run or of an execution, by what `findNamed` takes; default the latest execution that did something, or still does.
 * @throws as `findPipeline` and `findNamed`; EXECUTION_UNKNOWN when there was none
 */
export async function deployedStatus(options: DeployedOptions, name?: string): Promise<DeployedStatus> {
  const deployed = await openDeployed(options)
  const named = name === undefined ? { execution: await latestExecution(deployed) } : await findNamed(deployed, name)
  const found = 'run' in named ? await executionOf(deployed, named.run) : named.execution
  const execution = found && (await statusOf(deployed, found))
  const runs = 'run' in named ? [named.run] : await runsOf(deployed, execution?.tasks ?? [])
  return { ...(execution && { execution }), runs }
}

/** An execution with its tasks. */
export async function statusOf({ control }: Deployed, detail: ExecutionDetail): Promise<ExecutionStatus> {
  const { input, error, cause, stateMachineArn: _, ...execution } = detail
  const outputs = await control.stateOutputs(detail.arn)
  const tasks = tasksOf(outputs)
  const by = startedBy(input)
  const next = continuedBy(outputs)
  const fault = tasks.some(task => task.fault) ? undefined : endOf(detail)
  return {
    ...execution,
    ...(by !== undefined && { startedBy: by }),
    ...(next !== undefined && { continuedBy: next }),
    tasks,
    ...(fault && { fault }),
  }
}

/** Runs that an execution made or went on with. */
export async function runsOf({ store, clock }: Deployed, tasks: readonly ExecutedTask[]): Promise<RunSummary[]> {
  const runs: RunSummary[] = []
  for (const { run: { runId, attempt } = {} } of tasks) {
    const run = runId && attempt ? await readAttempt(store, clock, { runId, attempt }) : undefined
    if (run) runs.push(run)
  }
  return runs
}

/** Uploads that find nothing to do are executions too, and many of them may have come after the one that did the work. */
async function latestExecution(deployed: Deployed): Promise<ExecutionDetail> {
  const { control, stateMachineArn, name } = deployed
  const latest = await control.list(stateMachineArn, { max: latestMax })
  const { working, waiting } = await firstWorking(deployed, latest)
  const found =
    (await detailOf(deployed, working)) ??
    (await executionOfLatestRun(deployed)) ??
    (await detailOf(deployed, waiting ?? latest[0]))
  if (found) return found
  throw new PermanentError(
    'EXECUTION_UNKNOWN',
    `pipeline ${name} has not run yet; upload an input, or: fanmill start`,
    {
      stateMachineArn,
    },
  )
}

/** Each costs a look at its history. */
const latestMax = 20

interface Latest {
  /** It did something, or still does, or failed. */
  readonly working?: Execution
  /** It waits for its turn. */
  readonly waiting?: Execution
}

async function firstWorking({ control }: Deployed, executions: readonly Execution[]): Promise<Latest> {
  let waiting: Execution | undefined
  for (const execution of executions) {
    if (execution.status !== 'succeeded' && execution.status !== 'running') return { working: execution }
    const tasks = tasksOf(await control.stateOutputs(execution.arn))
    if (tasks.some(task => task.status === 'committed')) return { working: execution }
    if (execution.status !== 'running') continue
    const isWaiting = tasks.length > 0 && tasks.every(task => isOver(task) || task.status === 'wait')
    if (!isWaiting) return { working: execution }
    waiting ??= execution
  }
  return { ...(waiting && { waiting }) }
}

/** The state knows what was worked on, however many executions found nothing to do since. */
async function executionOfLatestRun(deployed: Deployed): Promise<ExecutionDetail | undefined> {
  try {
    return await executionOf(deployed, await readRun(deployed.store, deployed.clock))
  } catch (error) {
    if (error instanceof FanmillError && error.code === 'RUN_UNKNOWN') return undefined
    throw error
  }
}

async function detailOf({ control }: Deployed, execution: Execution | undefined): Promise<ExecutionDetail | undefined> {
  return execution && control.describe(execution.arn)
}

function endOf({ status, error, cause }: ExecutionDetail): Fault | undefined {
  if (status === 'stopped') return { message: cause ?? 'it was stopped' }
  if (status === 'timed out') return { message: cause ?? 'it took longer than its time limit' }
  return status === 'failed' ? faultOf(error, cause) : undefined
}
