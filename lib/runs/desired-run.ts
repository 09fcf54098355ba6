/** Decides which run a request stands for, and whether the output holds it already. */
import type { Current } from '../commit/head.ts'
import { PermanentError } from '../errors/errors.ts'
import { hasOnlyRun, hasPartitionsAlone, hasRun } from '../model/outcome/manifest.ts'
import { type RunName, runIdOf, sortInputs } from '../model/run/identity.ts'
import { readState } from '../state/files.ts'
import { type RunRecord, readRunRecord, runKeys } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { type AppendPlan, planAppend } from './append.ts'
import type { ReserveRequest } from './reserve-request.ts'

/** A run with the inputs that it reads, sorted by key. */
export interface DesiredRun extends AppendPlan {
  readonly runId: string
  readonly isComplete: boolean
}

/** Identifies the requested run. @throws INPUT_ALREADY_APPENDED; RUN_UNKNOWN and RUN_CHANGED with `resume` */
export async function findDesiredRun(store: Store, request: ReserveRequest, current: Current): Promise<DesiredRun> {
  return request.resume ? findResumedRun(store, request, request.resume, current) : desiredRun(request, current)
}

/** A run that replaces rows is complete only as long as no other run has appended rows in their place. */
const completeIn = { replace: hasOnlyRun, replacePartitions: hasPartitionsAlone, append: hasRun, fail: hasRun }

function desiredRun(request: ReserveRequest, current: Current): DesiredRun {
  const { mode, force = false, isTargetMissing = false } = request
  const isRedo = force || isTargetMissing || !current.hasSuccess
  const all: AppendPlan = { inputs: request.inputs, replaces: [] }
  const { inputs, replaces } = mode === 'append' ? planAppend(request.inputs, current.standing, isRedo) : all
  for (const replaced of replaces) current.checkRemovable?.(replaced)
  const runId = runIdOf({ ...request, inputs })
  const hasAll = mode === 'append' && inputs.length === 0
  const isComplete = !isRedo && current.manifest !== undefined && (hasAll || completeIn[mode](current.manifest, runId))
  return { inputs: sortInputs(inputs), replaces, runId, isComplete }
}

/** Finds the attempt to resume, and checks that its code, parameters and inputs are still the same. */
async function findResumedRun(
  store: Store,
  request: ReserveRequest,
  name: RunName,
  current: Current,
): Promise<DesiredRun> {
  const { runId, attempt } = name
  const isComplete = current.manifest?.runs.some(run => run.runId === runId && run.attempt === attempt) ?? false
  if (isComplete) return { runId, isComplete, inputs: [], replaces: [] }
  const record = await readState(store, runKeys(name).run, readRunRecord)
  if (!record)
    throw new PermanentError('RUN_UNKNOWN', `no run ${runId}, attempt ${attempt}; start anew: fanmill start`, { runId })
  if (record.shipped !== request.shipped) throw runChanged(record, ['code'])
  // A forced append reads inputs again that the dataset holds.
  const desired = desiredRun({ ...request, force: record.replaces.length > 0 }, current)
  if (desired.runId !== runId) throw runChanged(record, changesSince(record, request, desired))
  return { ...desired, isComplete: false }
}

function changesSince(record: RunRecord, { codeHash }: ReserveRequest, { inputs }: DesiredRun): string[] {
  const listOf = (all: RunRecord['inputs']): string =>
    JSON.stringify(sortInputs(all).map(({ key, identity, sizeBytes }) => [key, identity, sizeBytes]))
  const changes: string[] = []
  if (record.codeHash !== codeHash) changes.push('code or tables')
  if (listOf(record.inputs) !== listOf(inputs)) changes.push('inputs')
  return changes
}

function runChanged({ runId, attempt, task }: RunRecord, changes: readonly string[]): PermanentError {
  const what = changes.length > 0 ? changes.join(' and ') : 'parameters or output'
  const message = `cannot resume run ${runId}, attempt ${attempt}: its ${what} changed; start again: fanmill start ${task}`
  return new PermanentError('RUN_CHANGED', message, { runId, attempt, changes })
}
