/** The status of an execution of a deployed pipeline: its own, that of its tasks, and that of their runs. */
import type { Fault } from '../aws/fault.ts'
import { PermanentError } from '../errors/errors.ts'
import { nothingFor } from '../errors/expected.ts'
import type { NodeReject } from '../local/state.ts'
import { type RunSummary, readAttempt, readRun } from '../runs/runs.ts'
import type { Execution, ExecutionDetail } from './aws-control.ts'
import { type Deployed, type DeployedOptions, openDeployed } from './deployed.ts'
import { continuedBy, type ExecutedTask, startedBy, tasksOf } from './execution-tasks.ts'
import { findExecutionOf, findNamed } from './executions.ts'
import { graphIn, readNodes } from './graph-nodes.ts'
import { executionOperations, isActive, taskOperations } from './operations-by-status.ts'

export interface ExecutionStatus extends Execution {
  /** The upload or the request by hand that started it. */
  readonly startedBy?: string
  /** ARN of the execution that it started with its own input after a long wait. */
  readonly continuedBy?: string
  readonly tasks: readonly ExecutedTask[]
  /** Reason why it ended, when no task has one. */
  readonly fault?: Fault
}

export interface DeployedStatus {
  /** Undefined for a run of a laptop, or when AWS no longer has it. */
  readonly execution?: ExecutionStatus
  /** The named run, or those of the execution. */
  readonly runs: readonly RunSummary[]
}

/**
 * Returns the status of a run or of an execution, by a name for `findNamed`; default that of the latest execution that did work.
 * @throws as `findPipeline` and `findNamed`; EXECUTION_UNKNOWN when there was none
 */
export async function deployedStatus(options: DeployedOptions, name?: string): Promise<DeployedStatus> {
  return statusOf(await openDeployed(options), name)
}

/** Returns the rejected rows of a run, or of all runs of an execution, named as for `deployedStatus`. @throws as `deployedStatus` */
export async function deployedRejects(
  options: DeployedOptions,
  { name, limit }: { readonly name?: string | undefined; readonly limit: number },
): Promise<NodeReject[]> {
  const deployed = await openDeployed(options)
  const { runs } = await statusOf(deployed, name)
  // It loads an engine, which `status` does not need.
  const { readRejectsOf } = await import('../local/state.ts')
  return readRejectsOf(deployed.store, runs, limit)
}

async function statusOf(deployed: Deployed, name: string | undefined): Promise<DeployedStatus> {
  if (name === undefined) {
    const execution = await latestExecution(deployed)
    return { execution, runs: await readRuns(deployed, execution.tasks) }
  }
  const named = await findNamed(deployed, name)
  const found = 'run' in named ? await findExecutionOf(deployed, named.run) : named.execution
  const execution = found && (await readStatus(deployed, found))
  return { execution, runs: 'run' in named ? [named.run] : await readRuns(deployed, execution?.tasks ?? []) }
}

/** Returns an execution with its tasks, from the outputs of its states. */
export async function readStatus(
  { control, store }: Deployed,
  detail: ExecutionDetail,
  given?: readonly string[],
): Promise<ExecutionStatus> {
  const { input, error: _error, cause: _cause, stateMachineArn: _, ...execution } = detail
  const outputs = given ?? (await control.stateOutputs(detail.arn))
  const tasks = await readTasks(store, outputs)
  const fault = tasks.some(task => task.fault) ? undefined : executionOperations[detail.status].fault(detail)
  return { ...execution, startedBy: startedBy(input), continuedBy: continuedBy(outputs), tasks, fault }
}

/** Returns the nodes of the graph that an execution walks, or its task. */
async function readTasks(store: Deployed['store'], outputs: readonly string[]): Promise<readonly ExecutedTask[]> {
  const graph = graphIn(outputs)
  return graph === undefined ? tasksOf(outputs) : readNodes(store, graph)
}

/** Reads the runs that an execution began or continued. */
export async function readRuns({ store, clock }: Deployed, tasks: readonly ExecutedTask[]): Promise<RunSummary[]> {
  const runs: RunSummary[] = []
  for (const { run: { runId, attempt } = {} } of tasks) {
    const run = runId && attempt ? await readAttempt(store, clock, { runId, attempt }) : undefined
    if (run) runs.push(run)
  }
  return runs
}

/** Looks beyond the very latest executions: uploads that find nothing to do start executions too, and many may follow the one that did the work. */
async function latestExecution(deployed: Deployed): Promise<ExecutionStatus> {
  const { control, stateMachineArn, name } = deployed
  const latest = await control.list(stateMachineArn, { max: latestMax })
  const { working, waiting } = await findWorking(deployed, latest)
  const [first] = latest
  const lastResort = waiting ?? (first && { execution: first })
  const ofLatestRun = working ? undefined : await executionOfLatestRun(deployed)
  const found = working ?? (ofLatestRun ? { execution: ofLatestRun } : lastResort)
  const detail = found && (await control.describe(found.execution.arn))
  // An execution that has ended meanwhile has more outputs.
  if (detail) return readStatus(deployed, detail, detail.status === found.execution.status ? found.outputs : undefined)
  const message = `pipeline ${name} has not run yet; upload an input, or: fanmill start`
  throw new PermanentError('EXECUTION_UNKNOWN', message, { stateMachineArn })
}

/** Executions whose history is read. */
const latestMax = 20

/** An execution, with the outputs of its states where they were read. */
interface Found {
  readonly execution: Execution
  readonly outputs?: readonly string[]
}

/** Finds the first execution that did work, does work or failed, and the latest one that waits for its turn. */
async function findWorking({ control, store }: Deployed, executions: readonly Execution[]) {
  let idle: Found | undefined
  for (const execution of executions) {
    if (executionOperations[execution.status].end === 'bad') return { working: { execution } }
    const outputs = await control.stateOutputs(execution.arn)
    const tasks = await readTasks(store, outputs)
    const isWaiting = tasks.length > 0 && tasks.every(({ status }) => taskOperations[status].progress !== 'working')
    const isWorking =
      tasks.some(({ status }) => taskOperations[status].counts === 'run') || (isActive(execution) && !isWaiting)
    if (isWorking) return { working: { execution, outputs } }
    if (isActive(execution)) idle ??= { execution, outputs }
  }
  return { waiting: idle }
}

/** Finds the execution of the latest run in the state, however many executions found nothing to do since. */
async function executionOfLatestRun(deployed: Deployed): Promise<ExecutionDetail | undefined> {
  const run = await readRun(deployed.store, deployed.clock).catch(nothingFor('RUN_UNKNOWN'))
  return run && findExecutionOf(deployed, run)
}
