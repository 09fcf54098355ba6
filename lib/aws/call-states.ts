/** The states that call services for tasks of the state machine: one for each integration, whatever the number of tasks. */
import { integration, type State, type States } from './invoke-states.ts'

/** Names of the states around them. */
export interface CallPlace {
  /** Name of the Choice that finds the state of an integration. */
  readonly choice: string
  /** Returns the name of the state of an integration. */
  call(integration: string): string
  /** Name of the state that follows a call. */
  readonly next: string
  /** Name of the state that ends the run of a failed call, which has `$.fault`. */
  readonly failed: string
}

/**
 * Returns the states of these integrations; none where there are no such tasks. The input has the arguments of the call, so that a state
 * needs none of its own; its answer is left out, because the target of the task decides. A state that takes its arguments from a path
 * can take no time limit from another one: services have limits of their own.
 */
export function callStates(
  integrations: readonly string[],
  { choice, call, next, failed }: CallPlace,
): States['States'] {
  if (integrations.length === 0) return {}
  const choose = (name: string) => ({ Variable: '$.call.integration', StringEquals: name, Next: call(name) })
  const calling = (name: string): State => ({
    Type: 'Task',
    Resource: integration(name),
    InputPath: '$.call.arguments',
    ResultPath: null,
    // No Retry: the task's own retries begin with a plan, which knows whether its target is there.
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.fault', Next: failed }],
    Next: next,
  })
  return {
    // Plan and the state machine are deployed together, so that each integration has its state.
    [choice]: { Type: 'Choice', Choices: integrations.map(choose), Default: call(integrations[0] as string) },
    ...Object.fromEntries(integrations.map(name => [call(name), calling(name)])),
  }
}
