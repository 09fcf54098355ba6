/** Finds, starts and stops executions of a deployed pipeline. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ManualEvent } from '../aws/lambda-events.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'
import { executionIn } from '../model/run/owner.ts'
import { type RunSummary, readRun } from '../runs/runs.ts'
import type { Execution, ExecutionDetail } from './aws-control.ts'
import { type Deployed, isExecution } from './deployed.ts'
import { badEnds, isActive } from './operations-by-status.ts'

/** Executions in which a name is looked for. */
const executionsMax = 100

/**
 * Finds an execution by its ARN, its name or the beginning of its name.
 * @throws EXECUTION_UNKNOWN, with the nearest names of the latest hundred
 */
async function findExecution(deployed: Deployed, name: string): Promise<ExecutionDetail> {
  const { control, stateMachineArn } = deployed
  const arn = name.startsWith('arn:') ? name : executionArn(stateMachineArn, name)
  const exact = await control.describe(arn)
  if (exact) return exact
  const latest = await control.list(stateMachineArn, { max: executionsMax })
  const found = latest.filter(each => each.name.startsWith(name))
  const [one, ...others] = found
  const detail = one && others.length === 0 ? await control.describe(one.arn) : undefined
  if (detail) return detail
  const what = one ? `several executions begin with ${name}` : `no execution ${name}`
  const names = (one ? found : latest).map(each => each.name)
  const near = one ? names : nearest(name, names)
  const hint = near.length > 0 ? `: ${near.slice(0, 3).join(', ')}` : '; fanmill runs lists what ran'
  throw new PermanentError('EXECUTION_UNKNOWN', `${what} of pipeline ${deployed.name}${hint}`, { name, near })
}

/** A run or an execution. */
export type Named = { readonly run: RunSummary } | { readonly execution: ExecutionDetail }

/** Finds the run or the execution of a name. Runs have 16 hexadecimal digits, of which the first are enough. @throws RUN_UNKNOWN, EXECUTION_UNKNOWN */
export async function findNamed(deployed: Deployed, name: string): Promise<Named> {
  if (!/^[\da-f]{1,16}$/.test(name)) return { execution: await findExecution(deployed, name) }
  try {
    return { run: await readRun(deployed.store, deployed.clock, name) }
  } catch (error) {
    // Names of executions that EventBridge starts may begin with hexadecimal digits too.
    const execution = await findExecution(deployed, name).catch(() => undefined)
    if (!execution) throw error
    return { execution }
  }
}

/** Reads an execution. @throws EXECUTION_UNKNOWN when AWS no longer has it */
export async function readExecution({ control }: Deployed, arn: string): Promise<ExecutionDetail> {
  const found = await control.describe(arn)
  if (found) return found
  const message = `AWS no longer has execution ${arn}: it keeps executions for 90 days`
  throw new PermanentError('EXECUTION_UNKNOWN', message, { arn })
}

/** Returns the last execution that worked on a run; undefined for a run of a laptop, or when AWS no longer has it. */
export async function findExecutionOf({ control }: Deployed, { owner }: RunSummary) {
  return isExecution(owner) ? control.describe(executionIn(owner.id)) : undefined
}

export type Start = Omit<ManualEvent, 'ended'>

/** Starts an execution, which takes over runs and turns of ended executions at once. */
export async function startNew(deployed: Deployed, start: Start, ended: readonly string[] = []): Promise<Execution> {
  const { control, stateMachineArn, name } = deployed
  const input: ManualEvent = { ...start, ended: [...new Set([...ended, ...(await recentlyEnded(deployed))])] }
  return control.start(stateMachineArn, { name: newName(start.task ?? name), input })
}

/** Stops an execution and waits some seconds for its end. Invocations of Process under way end by themselves. */
export async function stopAndWait(deployed: Deployed, arn: string): Promise<ExecutionDetail> {
  await deployed.control.stop(arn, 'stopped by fanmill stop')
  for (let tries = 1; ; tries++) {
    const found = await readExecution(deployed, arn)
    if (!isActive(found) || tries === stopTriesMax) return found
    await pause(stopPollMs)
  }
}

const stopPollMs = 500
/** AWS takes less than a second; an emulator may wait for invocations under way. */
const stopTriesMax = 10

const executionArn = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`

/** Longer than any lease of a run or a turn, so that executions that ended earlier hold nothing. */
const leaseMsMax = 45 * 60_000

/** Returns executions that failed or were stopped lately, and so may still hold a turn or a run. */
async function recentlyEnded({ control, stateMachineArn }: Deployed): Promise<string[]> {
  const lists = badEnds.map(status => control.list(stateMachineArn, { status, max: executionsMax }))
  const after = new Date(Date.now() - leaseMsMax).toISOString()
  const ended = (await Promise.all(lists)).flat().filter(({ endedAt = '' }) => endedAt > after)
  return ended.map(({ arn }) => arn)
}

/** Makes a name of the task, the time and a random suffix: at most 80 characters, all of which AWS allows. */
function newName(what: string): string {
  const about = what.replaceAll(/[^A-Za-z\d-]+/g, '-').slice(0, 50)
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `${about}-${time}-${randomUUID().slice(0, 4)}`
}
