/** The action of a task that acts instead of reading rows, under given parameters: JSON that its run's plan holds. */
import { PermanentError } from '../errors/errors.ts'
import type { Slice } from './plan-data.ts'

export type Action = ProgramAction | CallAction

interface ActionTarget {
  /** Absent where the end of the action is all that tells. */
  readonly target?: { readonly path: string; readonly isGlob: boolean } | undefined
  readonly waitSeconds: number
}

export interface ProgramAction extends ActionTarget {
  readonly kind: 'program'
  /** The program and its arguments. */
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface CallAction extends ActionTarget {
  readonly kind: 'stateCall'
  readonly integration: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** Returns a short text that names an action, for messages and as the key of an input. */
export function actionText(action: Action): string {
  const text = action.kind === 'program' ? action.command.join(' ') : action.integration
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}…`
}

const textLengthMax = 200

/** Returns the action of a slice. @throws STATE_INVALID for a slice of rows */
export function actionOfSlice(slice: Slice): Action {
  if (slice.kind === 'item') return slice.value as unknown as Action
  throw new PermanentError('STATE_INVALID', `slice ${slice.slice}: expected an action, got a ${slice.kind} slice`)
}
