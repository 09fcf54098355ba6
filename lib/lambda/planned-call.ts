/** The call that the state machine makes for a task. */
import type { PlannedCall } from '../aws/lambda-events.ts'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { actionOf } from '../inputs/find-action.ts'

/** Returns undefined for a task that calls no service. @throws SOURCE_FAILED */
export async function plannedCall(task: TaskDefinition, params: ParamValues): Promise<PlannedCall | undefined> {
  const { source } = task
  if (source.kind !== 'stateCall') return undefined
  const action = await actionOf(source, { task, params })
  if (action.kind !== 'stateCall') return undefined
  return { integration: action.integration, arguments: action.arguments }
}
