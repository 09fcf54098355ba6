/** The states that walk a graph in waves: `graph` gives the nodes that may run, a distributed Map runs them, and `graph` is asked again. */
import { noWaits } from '../model/waits.ts'
import {
  distributed,
  failuresTolerated,
  invokeAgain,
  itemsAt,
  type State,
  type States,
  substitutions,
} from './invoke-states.ts'
import { itemReaderRetries } from './state-retries.ts'
import { type Lane, namesOf, stateFields, statusIs, type TaskStatesOptions, taskStates } from './task-states.ts'

export interface GraphStatesOptions extends TaskStatesOptions {
  /** Batches of one execution at once, which `graph` divides by the nodes that run at the same time. */
  readonly maxConcurrency: number
  /** Nodes of one execution at once. */
  readonly nodeConcurrency: number
}

/** Name of the first of these states. */
export const beginGraph = 'begin graph'

/** Returns the states of a walk, which ends in those named by `ends`. They are as many for any number of tasks and nodes. */
export function graphStates(
  options: GraphStatesOptions,
  ends: Readonly<Record<'complete' | 'failed' | 'continue', string>>,
): States['States'] {
  const { maxConcurrency, nodeConcurrency } = options
  const graph = {
    ...{ 'execution.$': '$$.Execution.Id', 'event.$': '$$.Execution.Input' },
    ...{ 'step.$': '$.step', 'waits.$': '$.waits', maxConcurrency, nodeConcurrency },
  }
  return {
    [beginGraph]: { Type: 'Pass', Result: { step: 0, waits: noWaits(1) }, Next: 'graph' },
    graph: { ...invokeAgain(substitutions.graph, graph, options), OutputPath: '$.Payload', Next: 'nodes ready?' },
    'nodes ready?': {
      Type: 'Choice',
      Choices: [
        statusIs('wave', 'nodes'),
        statusIs('wait', 'wait for nodes'),
        statusIs('continued', ends.continue),
        statusIs('failed', ends.failed),
      ],
      Default: ends.complete,
    },
    'wait for nodes': { Type: 'Wait', SecondsPath: '$.waitSeconds', Next: 'graph' },
    nodes: nodesMap(options),
  }
}

/** The next call of `graph` reads how each node ended; a node without a record of its end is lost. */
function nodesMap(options: GraphStatesOptions): State {
  return {
    Type: 'Map',
    ItemReader: itemsAt('$.bucket', '$.waveKey'),
    ItemSelector: {
      'task.$': '$$.Map.Item.Value.task',
      // Owns the run: the context object of a child names the child on AWS, and its parent elsewhere.
      'execution.$': "States.Format('{}#{}', $$.Execution.Id, $$.Map.Item.Value.key)",
      node: { 'graph.$': '$.graph', 'step.$': '$.step', 'key.$': '$$.Map.Item.Value.key' },
      ...{ 'maxConcurrency.$': '$.maxConcurrency', 'shipped.$': '$.shipped' },
      waits: noWaits(1),
    },
    ItemProcessor: { ProcessorConfig: distributed, ...taskStates(nodeLane(options), options) },
    MaxConcurrency: options.nodeConcurrency,
    ToleratedFailureCount: failuresTolerated,
    ResultPath: null,
    Retry: itemReaderRetries,
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'graph' }],
    Next: 'graph',
  }
}

/** Every node ends in a state that records how, which `graph` reads. */
function nodeLane(options: GraphStatesOptions): Lane {
  const own = stateFields('task', 'execution', 'node', 'shipped')
  return {
    names: namesOf('node'),
    own,
    planned: { 'maxConcurrency.$': '$.maxConcurrency' },
    end: given => ({
      ...invokeAgain(substitutions.graph, { ...own, end: { ...given, 'state.$': '$' } }, options),
      ...{ OutputPath: null, End: true },
    }),
  }
}
