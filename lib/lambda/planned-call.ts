/** The call that the state machine makes for a task. */
import type { PlannedCall } from '../aws/lambda-events.ts'
import type { TaskDefinition } from '../define/definition.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import { actionOfSlice } from '../model/action.ts'

/** Returns the call that the run's id is made of; undefined for a task that calls no service. */
export function plannedCall({ source }: TaskDefinition, found: FoundInputs): PlannedCall | undefined {
  const [slice] = source.kind === 'stateCall' ? found.cut(found.inputs) : []
  const action = slice && actionOfSlice(slice)
  return action?.kind === 'stateCall' ? { integration: action.integration, arguments: action.arguments } : undefined
}
