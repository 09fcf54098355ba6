/** Processes a batch of a task that acts instead of reading rows: runs its program, or stands in for its call, and looks for its target. */
import { PermanentError } from '../errors/errors.ts'
import { targetObjects } from '../inputs/identity/target-identity.ts'
import { type Action, actionOfSlice, actionText } from '../model/action.ts'
import { filesOutcome } from '../model/outcome/files-outcome.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'
import { readState } from '../state/files.ts'
import { readRunRecord, runKeys } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import type { ActionTools, ProcessTools, WorkOfBatch } from './process-tools.ts'

/** @throws OUTPUT_MISSING when the action has ended and its target is not there; as `perform` */
export const actOnBatch: WorkOfBatch = async (run, { batch }, { slices }, tools) => {
  for (const slice of slices) await act(run, actionOfSlice(slice), tools)
  const { runId, attempt } = run
  const ended = filesOutcome({
    ...{ batch, runId, attempt, token: tools.token, files: [], skipped: undefined, bytesIn: 0 },
    slices: slices.map(({ slice }) => slice),
  })
  return { ...ended, members: slices.length }
}

async function act(
  run: RunFrame,
  action: Action,
  { actions, output }: Pick<ProcessTools, 'actions' | 'output'>,
): Promise<void> {
  if (!actions) throw new PermanentError('STATE_INVALID', 'the run acts, but its task reads rows')
  if (await isDoneAlready(run, action, { actions, output }))
    return actions.note(`${action.target?.path} is there already: ${actionText(action)} is not needed`)
  await actions.perform(action, run)
  await awaitTarget(run, action, actions)
}

/** Whether somebody else has reached the target before the first run of the task; a later run has a reason to act. */
async function isDoneAlready(
  { runId, attempt, status }: RunFrame,
  { target }: Action,
  { actions, output }: { readonly actions: ActionTools; readonly output: Store },
): Promise<boolean> {
  if (!target || attempt > 1 || status !== 'new') return false
  const record = await readState(output, runKeys({ runId, attempt }).run, readRunRecord)
  const isFirst = record?.reasons?.every(({ kind }) => kind === 'neverRun') ?? false
  return isFirst && isThere(actions, target)
}

const isThere = async ({ store }: ActionTools, target: NonNullable<Action['target']>): Promise<boolean> =>
  (await targetObjects(store, target)).length > 0

const [pauseMs, pauseMsMax] = [500, 15_000]

async function awaitTarget({ task }: RunFrame, action: Action, actions: ActionTools): Promise<void> {
  const { target, waitSeconds } = action
  if (!target) return
  let [waitedMs, nextMs] = [0, pauseMs]
  while (!(await isThere(actions, target))) {
    const leftMs = waitSeconds * 1000 - waitedMs
    if (leftMs <= 0) throw outputMissing(task, action, actions)
    const ms = Math.min(nextMs, leftMs)
    await actions.pause(ms)
    waitedMs += ms
    nextMs = Math.min(pauseMsMax, nextMs * 2)
  }
}

function outputMissing(task: string, action: Action, { store }: ActionTools): PermanentError {
  const { path = '', isGlob = false } = action.target ?? {}
  const what = isGlob ? `a file that matches ${path}` : path
  const waited = action.waitSeconds > 0 ? ` within ${action.waitSeconds} s` : ''
  const message = `task ${task}: expected ${what} under ${store.url} after ${actionText(action)} had ended${waited}, got nothing; check where it writes, or the target and root of the task`
  return new PermanentError('OUTPUT_MISSING', message, { task, target: path, root: store.url })
}
