/** Plan on Lambda: turns the input of an execution into a run with its batches, or finds that there is nothing to do. */
import type { ExecutionInput, PlanAnswer, PlannedCall } from '../aws/lambda-events.ts'
import { batchLimits, checkLengths } from '../aws/tier.ts'
import type { TaskDefinition } from '../define/definition.ts'
import { sourceRoot } from '../define/sources/source-paths.ts'
import { FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import { requireColumns } from '../infer/require-columns.ts'
import { type FoundInputs, findInputs } from '../inputs/find-inputs.ts'
import { inputIdentity } from '../inputs/identity/content-identity.ts'
import { requiredIdentities } from '../inputs/identity/upstream-identity.ts'
import { inputWarnings } from '../inputs/input-warnings.ts'
import { tablesIdentity } from '../inputs/tables.ts'
import { planOptionsOf } from '../local/plans/plan-options.ts'
import { ownOutputs } from '../local/roots/roots-apart.ts'
import { actionOfSlice } from '../model/action.ts'
import { canonicalJson, rowCodeOf } from '../model/run/identity.ts'
import { executionIn } from '../model/run/owner.ts'
import { ownValues } from '../model/run/param-values.ts'
import { taskNamed } from '../model/run/resolve-task.ts'
import { afterProgress, growingMs, nextWait } from '../model/waits.ts'
import * as runner from '../process/task-runner.ts'
import type { Planned } from '../runs/plan.ts'
import { keepReservation } from '../runs/reservation-file.ts'
import { keepLease } from '../runs/run-lease.ts'
import { bindTurn, enterTurn, leaveTurn, type Turn } from '../runs/turn.ts'
import { engineServices } from '../threads/engine-services.ts'
import type { PlanEvent } from './events.ts'
import { graphOf } from './graph-request.ts'
import type { Invocation } from './handler.ts'
import { withoutOutcome, writeMapItems } from './map-items.ts'
import { recordRun } from './node-records.ts'
import { readNodeRequest, type TaskUpstream } from './node-request.ts'
import { recallInputs } from './opened-inputs.ts'
import { isByHand, isScheduled, isUpload, type RunRequest, readRunRequest } from './run-request.ts'
import { executionOwner, type LambdaSession, runLeaseMs, shortName } from './session.ts'
import { hasRequirements, taskUpstream } from './task-upstream.ts'
import { logger } from './telemetry.ts'

/** @throws as `findInputs` and `reserveRun`; MEMBER_TOO_LONG */
export async function planTask(event: PlanEvent, invocation: Invocation): Promise<PlanAnswer> {
  const { lambda } = invocation
  const { pipeline, output } = lambda
  const task = taskNamed(pipeline, event.task)
  if (event.event && isGraph(event.event, task, lambda)) return { status: 'graph', done: true, task: task.name }
  const request = await readRequest(event, task, lambda)
  if (!request) return { status: 'ignored', done: true, task: task.name }
  const needs = await taskUpstream(lambda, task, { params: request.params, node: event.node })
  const { outputPath } = needs
  const context: PlanContext = { task, request, needs, event, invocation }
  const turn = await requestTurn(context)
  if (turn.status === 'skip') return { status: event.node ? 'left' : 'busy', done: true, task: task.name }
  if (turn.status === 'wait') return waitOrContinue(context, turn.waitMs)
  const name = { outputPath, id: event.execution }
  try {
    const answer = await planInTurn(context)
    if (answer.done && answer.status !== 'planned' && answer.status !== 'call') await leaveTurn(output, name)
    return answer
  } catch (error) {
    // This execution tries again after a transient error, and keeps its turn for that.
    if (!(error instanceof TransientError)) await leaveTurn(output, name)
    throw error
  }
}

/** Reads what is requested: of a node from its graph, else from the input of the execution. */
async function readRequest({ event, node }: PlanEvent, task: TaskDefinition, lambda: LambdaSession) {
  if (node) return readNodeRequest(lambda, node)
  if (event) return readRunRequest(event, task, { pipeline: lambda.pipeline, input: lambda.settings.input })
  throw new PermanentError('USAGE', 'event: expected the input of the execution, or a node, got neither')
}

/** Whether more than one task without requirements is requested; a run that is continued is always alone. */
function isGraph(event: ExecutionInput, task: TaskDefinition, lambda: LambdaSession): boolean {
  const { name } = task
  if (isScheduled(event)) return true
  const resume = isByHand(event) && event.resume
  if (hasRequirements(task)) return !resume
  if (isUpload(event) || resume || (event.task ?? name) !== name) return false
  return graphOf({ task: name, params: ownValues(task, event.params ?? {}) }, lambda).graph.nodes.length > 1
}

interface PlanContext {
  readonly task: TaskDefinition
  readonly request: RunRequest
  readonly needs: TaskUpstream
  readonly event: PlanEvent
  readonly invocation: Invocation
}

function requestTurn({ task, request, needs, event: { execution: id }, invocation }: PlanContext): Promise<Turn> {
  const { output, settings } = invocation.lambda
  const { params, resume, isUpload, ended } = request
  // `resume` is part of it, because an execution that continues a run fails when there are new inputs, and so cannot replace another.
  const wants = shortName(canonicalJson({ task: task.name, params, resume }))
  return enterTurn(output, {
    ...{ outputPath: needs.outputPath, id, wants, now: Date.now(), leaseMs: runLeaseMs / 2 },
    settleMs: isUpload ? settings.settleMs : 0,
    maySkip: isUpload,
    ended,
  })
}

/** Lets the state machine wait instead of the function. Once the waits are used up, the turn is given up for the execution that continues this one. */
async function waitOrContinue({ task, event, needs, invocation }: PlanContext, ms: number): Promise<PlanAnswer> {
  const wait = nextWait(event.waits, ms)
  if (wait) return { status: 'wait', done: false, task: task.name, ...wait }
  logger.info('the waits of this execution are used up: another one continues it', { waits: event.waits.count })
  await leaveTurn(invocation.lambda.output, { outputPath: needs.outputPath, id: event.execution })
  return { status: 'continued', done: true, task: task.name }
}

async function planInTurn(context: PlanContext): Promise<PlanAnswer> {
  const { task, request, needs, event, invocation } = context
  const { lambda, deadline } = invocation
  const known = await recallInputs(lambda.output, task, request.params)
  const { settings } = lambda
  try {
    const found = await findInputs({
      ...{ ...engineServices, ...known, task, params: request.params, upstream: needs.upstream },
      input: lambda[sourceRoot(task.source)],
      roots: lambda,
      identify: inputIdentity(settings.input, lambda.input),
      outputs: ownOutputs(lambda.pipeline, settings.input, settings.output),
      threads: settings.tiers[0].threads,
      signal: deadline.signal,
    })
    const answer = await planFound(context, found)
    await known.forget()
    return answer
  } catch (error) {
    if (!(error instanceof FanmillError)) throw error
    const { name } = task
    const { waits } = event
    if (error.code === 'OUT_OF_TIME' && (await known.keep()))
      return { status: 'more', done: false, task: name, waits: afterProgress(waits) }
    if (error.code === 'OUTPUT_UNSETTLED') {
      const wait = await waitOrContinue(context, settleAgainMs)
      return wait.status === 'wait' ? { ...wait, status: 'unsettled', outputPath: needs.outputPath } : wait
    }
    if (error.code !== 'OUTPUT_LOCKED') throw error
    logger.info(error.message)
    return waitOrContinue(context, growingMs(lockedMs, waits.inRow))
  }
}

/** First wait for a commit that is under way. */
const lockedMs = 5000
/** Wait after an interrupted commit was completed. */
const settleAgainMs = 1000

async function planFound(context: PlanContext, found: FoundInputs): Promise<PlanAnswer> {
  const { task, request, event, needs, invocation } = context
  const { execution } = event
  const { input, output, settings, schemas } = invocation.lambda
  await requireColumns(input, task, found)
  const { tiers, timeoutSeconds } = settings
  checkLengths(found.cut(found.inputs), { inputs: found.inputs, task, tiers, timeoutSeconds })
  const { upstream, outputPath } = needs
  const tables = await tablesIdentity({ ...engineServices, input, output, upstream }, task, request.params)
  const { force, resume } = request
  const required = await requiredIdentities(invocation.lambda, task, needs)
  const planned = await runner.planTask(contextOf(context, tables), {
    ...planOptionsOf({ task, upstream, required, tablesIdentity: tables, options: { force } }),
    ...batchLimits(task, tiers[0], settings),
    ...{ found, schema: schemas[task.name], resume, mayRoll: false },
  })
  const { name } = task
  if (planned.status === 'complete' || planned.status === 'busy')
    return { status: planned.status, done: true, task: name, run: { runId: planned.runId }, outputPath }
  await keepReservation(output, planned.run, tables)
  await keepLease(output, planned.run, { owner: executionOwner(execution), leaseUntil: Date.now() + runLeaseMs })
  await bindTurn(output, { outputPath, id: execution }, planned.run)
  const { run, plan } = planned
  if (event.node) await recordRun(output, event.node, { runId: run.runId, attempt: run.attempt })
  const missing = planned.status === 'resume' ? await withoutOutcome(invocation.lambda, run, plan) : plan
  logPlan(planned, found)
  for (const { level: _, message, ...place } of inputWarnings(found)) logger.warn(message, place)
  const ready = {
    done: true,
    waits: afterProgress(event.waits),
    maxConcurrency: event.maxConcurrency,
    losses: 0,
    ...(await writeMapItems(invocation.lambda, run, plan, missing)),
  } as const
  const call = missing.length > 0 ? plannedCall(task, found) : undefined
  return call ? { ...ready, status: 'call', call } : { ...ready, status: 'planned' }
}

/** Returns the call that the run's id is made of; undefined for a task that calls no service. */
function plannedCall({ source }: TaskDefinition, found: FoundInputs): PlannedCall | undefined {
  const [slice] = source.kind === 'stateCall' ? found.cut(found.inputs) : []
  const action = slice && actionOfSlice(slice)
  return action?.kind === 'stateCall' ? { integration: action.integration, arguments: action.arguments } : undefined
}

function contextOf({ task, request, needs, event, invocation }: PlanContext, tables: string): runner.TaskContext {
  const { output, codeHashes, shipped } = invocation.lambda
  return {
    ...{ ...engineServices, task, params: request.params, output, outputPath: needs.outputPath, shipped },
    owner: executionOwner(event.execution),
    now: () => Date.now(),
    isAlive: ({ id }) => (request.ended.includes(executionIn(id)) ? false : undefined),
    leaseMs: runLeaseMs,
    codeHash: rowCodeOf(codeHashes[task.name], tables),
  }
}

function logPlan({ status, run, plan: items }: Extract<Planned, { plan: unknown }>, found: FoundInputs): void {
  const { runId, attempt, generation, inputs } = run
  const { memberCount: members, bytesIn, bytes } = found
  const counts = { archives: inputs.length, members, batches: items.length, bytesIn, bytes }
  logger.info('planned', { status, runId, attempt, generation, ...counts })
}
