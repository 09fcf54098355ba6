/** The table of how actions are performed on a machine: a program is run here, a call has a stand-in or was made by the state machine. */
import { existsSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TaskLog } from '../define/columns/row-types.ts'
import type { TaskDefinition } from '../define/definition.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import { type Action, actionText, type CallAction, type ProgramAction } from '../model/action.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'
import { runProgram } from './run-program.ts'

/** The surroundings of an action: everything besides its own data. */
export interface ActionContext {
  readonly task: TaskDefinition
  /** The folder of the pipeline, or of the files that were shipped with it. */
  readonly folder: string
  /** The URLs or paths of the roots. */
  readonly roots: { readonly input: string; readonly output: string; readonly target: string }
  readonly secrets: Readonly<Record<string, string>>
  readonly log: TaskLog
  readonly signal?: AbortSignal | undefined
  /** Whether the state machine has made the calls, so that they need no stand-in. */
  readonly isDeployed: boolean
}

/** Returns when the action has ended. @throws PROGRAM_FAILED, CALL_FAILED, STAND_IN_MISSING, the reason of an abort */
export function perform(action: Action, run: RunFrame, context: ActionContext): Promise<void> {
  return action.kind === 'program' ? performProgram(action, run, context) : performCall(action, run, context)
}

async function performProgram(action: ProgramAction, run: RunFrame, context: ActionContext): Promise<void> {
  const { task, folder, log, secrets, signal } = context
  const temporary = mkdtempSync(join(tmpdir(), 'fanmill-program-'))
  try {
    await runProgram({
      command: action.command,
      folder: existsSync(folder) ? folder : temporary,
      subject: `task ${task.name}`,
      signal,
      environment: {
        ...process.env,
        ...ownVariables(action, run, context),
        TMPDIR: temporary,
        ...action.environment,
        ...secrets,
      },
      onLine: (line, stream) => log.info(line, { stream }),
    })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Returns what a program may need to know of its run. */
function ownVariables({ target }: ProgramAction, { task, runId }: RunFrame, { roots }: ActionContext) {
  return {
    FANMILL_TASK: task,
    FANMILL_RUN: runId,
    FANMILL_INPUT: roots.input,
    FANMILL_OUTPUT: roots.output,
    ...(target && { FANMILL_TARGET: `${roots.target}/${target.path}` }),
  }
}

async function performCall(action: CallAction, { params }: RunFrame, context: ActionContext): Promise<void> {
  const { task, log, roots, signal = new AbortController().signal, isDeployed } = context
  if (isDeployed) return
  const local = standInOf(task)
  if (!local) throw standInMissing([task.name])
  const target = action.target && `${roots.target}/${action.target.path}`
  try {
    await untilAborted(
      Promise.resolve(local({ arguments: action.arguments, params, target, log, signal } as never)),
      signal,
    )
  } catch (error) {
    throwIfAborted(signal)
    if (error instanceof FanmillError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const message = `task ${task.name}: the stand-in of ${actionText(action)} failed: ${reason}`
    throw new PermanentError('CALL_FAILED', message, { task: task.name }, { cause: error })
  }
}

/** Rejects at an abort, also where a function does not look at its signal. */
async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

const standInOf = ({ source }: TaskDefinition) => (source.kind === 'stateCall' ? source.local : undefined)

/** Refuses tasks that only the state machine can run, before anything runs. @throws STAND_IN_MISSING */
export function refuseWithoutStandIn(tasks: readonly TaskDefinition[]): void {
  const missing = [
    ...new Set(tasks.filter(task => task.source.kind === 'stateCall' && !standInOf(task)).map(({ name }) => name)),
  ]
  if (missing.length > 0) throw standInMissing(missing)
}

function standInMissing(tasks: readonly string[]): PermanentError {
  const message = `expected tasks that this machine can run, got ${tasks.join(', ')}, whose services are called by the state machine; give ${tasks.length === 1 ? 'it' : 'each'} a stand-in, local: async call => …, or run it on AWS: fanmill start`
  return new PermanentError('STAND_IN_MISSING', message, { tasks })
}
