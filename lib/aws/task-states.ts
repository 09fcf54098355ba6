/** The states of one task, from its plan to the end of its run: Plan, a distributed Map of Process, Commit. */
import { callStates } from './call-states.ts'
import {
  distributed,
  failuresTolerated,
  type InvokeOptions,
  invoke,
  invokeAgain,
  itemsAt,
  type State,
  type States,
  substitutions,
} from './invoke-states.ts'
import { capacityErrors, functionRetries, mapRetries, stragglerRetry } from './state-retries.ts'

export interface TaskStatesOptions extends InvokeOptions {
  /** Integrations that tasks of the pipeline call, each once; default none. */
  readonly integrations?: readonly string[]
  readonly tierCount: number
}

/** The place of the states of a task: the execution itself, or the child for one node of a graph. */
export interface Lane {
  readonly names: Names
  /** Fields that every function gets: the task, the execution that owns the run, and the node. */
  readonly own: State
  /** Further fields that Plan gets. */
  readonly planned: State
  /** Returns the state in which the task ends; `given` are a status and fields of the state's input. */
  end(given: State): State
}

/** Makes names of states, which must be unique in the whole machine and have at most 80 characters. */
export function namesOf(task: string) {
  const short = task.length <= taskNameMax ? task : `${task.slice(0, taskNameMax - 9)}-${checksum(task)}`
  const named = (state: string): string => `${short}: ${state}`
  return {
    plan: named('plan'),
    planned: named('planned?'),
    wait: named('wait'),
    settle: named('settle'),
    call: named('which call?'),
    calling: (integration: string) => named(integration),
    callFailed: named('call failed'),
    process: named('process'),
    batch: (tier: number) => named(tier === 0 ? 'batch' : `batch, tier ${tier + 1}`),
    commit: named('commit'),
    committed: named('committed?'),
    waitToCommit: named('wait to commit'),
    again: named('again'),
    complete: named('complete'),
    superseded: named('superseded'),
    continued: named('continued'),
    nothing: named('nothing to do'),
    failed: named('failed'),
  }
}

const taskNameMax = 60

export type Names = ReturnType<typeof namesOf>

/** Returns an FNV-1a hash, which tells long names with the same beginning apart. */
function checksum(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(16).padStart(8, '0')
}

/** Returns the states of a lane, which begin with Plan. A failure ends the lane and not the execution. */
export function taskStates(lane: Lane, options: TaskStatesOptions): States {
  const { integrations = [] } = options
  const failing = integrations.length > 0 ? { [lane.names.callFailed]: callFailed(lane, options) } : {}
  return {
    StartAt: lane.names.plan,
    States: { ...planStates(lane, options), ...failing, ...commitStates(lane, options) },
  }
}

/** States until there is a plan, or nothing to do. */
function planStates({ names, own, planned, end }: Lane, options: TaskStatesOptions): States['States'] {
  const plan = { ...own, ...planned, 'waits.$': '$.waits' }
  const settle = { ...own, ...stateFields('outputPath', 'shipped') }
  const Catch = [toFailed(names)]
  const { integrations = [] } = options
  const calls = { choice: names.call, call: names.calling, next: names.process, failed: names.callFailed }
  return {
    [names.plan]: {
      ...{ ...invokeAgain(substitutions.plan, plan, options), Catch },
      ...{ OutputPath: '$.Payload', Next: names.planned },
    },
    [names.planned]: {
      Type: 'Choice',
      Choices: [
        statusIs('planned', names.process),
        ...(integrations.length > 0 ? [statusIs('call', names.call)] : []),
        statusIs('more', names.plan),
        statusIs('wait', names.wait),
        statusIs('unsettled', names.settle),
      ],
      Default: names.nothing,
    },
    ...callStates(integrations, calls),
    [names.wait]: { Type: 'Wait', SecondsPath: '$.waitSeconds', Next: names.plan },
    [names.settle]: {
      ...{ ...invokeAgain(substitutions.commit, settle, options), Catch },
      ...{ ResultPath: null, Next: names.wait },
    },
    [names.nothing]: end({ 'status.$': '$.status' }),
    [names.failed]: end({ status: 'failed', 'fault.$': '$.fault' }),
  }
}

/** Lets Commit end the run of a call that failed, which always fails in turn. */
function callFailed({ names, own }: Lane, options: TaskStatesOptions): State {
  const payload = { ...own, ...stateFields('run', 'waits', 'maxConcurrency', 'losses', 'fault', 'shipped') }
  return { ...invokeAgain(substitutions.commit, payload, options), Catch: [toFailed(names)], Next: names.failed }
}

/** States from the plan to the end of the run. */
function commitStates(lane: Lane, options: TaskStatesOptions): States['States'] {
  const { names, own } = lane
  const commit = { ...own, ...stateFields('run', 'waits', 'maxConcurrency', 'losses', 'shipped') }
  const has = (field: string, Next: string) => ({ Variable: `$.commit.answer.${field}`, IsPresent: true, Next })
  const end = (status: string): State => lane.end({ status, 'run.$': '$.run' })
  return {
    [names.process]: processMap(lane, options),
    [names.commit]: {
      ...{ ...invokeAgain(substitutions.commit, commit, options), Catch: [toFailed(names)] },
      ...{ ResultSelector: { 'answer.$': '$.Payload' }, ResultPath: '$.commit', Next: names.committed },
    },
    [names.committed]: {
      Type: 'Choice',
      Choices: [
        has('supersededBy', names.superseded),
        has('continued', names.continued),
        { Variable: '$.commit.answer.done', BooleanEquals: true, Next: names.complete },
        has('planKey', names.again),
        has('waitSeconds', names.waitToCommit),
      ],
      Default: names.commit,
    },
    [names.waitToCommit]: {
      Type: 'Wait',
      SecondsPath: '$.commit.answer.waitSeconds',
      OutputPath: '$.commit.answer',
      Next: names.commit,
    },
    [names.again]: { Type: 'Pass', InputPath: '$.commit.answer', Next: names.process },
    [names.complete]: end('complete'),
    [names.superseded]: end('superseded'),
    [names.continued]: end('continued'),
  }
}

/** Lets failed batches fail visibly without stopping the others; Commit decides about the run. */
function processMap({ names, own }: Lane, options: TaskStatesOptions): State {
  const tiers = Array.from({ length: options.tierCount }, (_, tier) => tier)
  return {
    Type: 'Map',
    ItemReader: itemsAt('$.bucket', '$.planKey'),
    ItemSelector: { ...own, ...stateFields('run', 'timeoutSeconds', 'shipped'), 'item.$': '$$.Map.Item.Value' },
    ItemProcessor: {
      ProcessorConfig: distributed,
      StartAt: names.batch(0),
      States: Object.fromEntries(tiers.map(tier => [names.batch(tier), batchState(tier, names, options)])),
    },
    MaxConcurrencyPath: '$.maxConcurrency',
    ToleratedFailureCount: failuresTolerated,
    ResultPath: null,
    Retry: mapRetries,
    Catch: [
      { ErrorEquals: ['States.ExceedToleratedFailureThreshold'], ResultPath: null, Next: names.commit },
      toFailed(names),
    ],
    Next: names.commit,
  }
}

/** Discards the output of a batch, because the output of a Map may have at most 256 KB; its results are in its outcome. */
function batchState(tier: number, names: Names, options: TaskStatesOptions): State {
  const copied = stateFields('task', 'execution', 'run', 'item', 'shipped')
  const task: State = {
    ...invoke(substitutions.process(tier), { ...copied, tier }, options),
    Retry: functionRetries,
    OutputPath: null,
  }
  if (tier + 1 === options.tierCount) return { ...task, End: true }
  const Catch = [{ ErrorEquals: capacityErrors, ResultPath: null, Next: names.batch(tier + 1) }]
  if (tier > 0) return { ...task, Catch, End: true }
  // Only where a larger tier follows: the last one has the whole time of its function.
  const { TimeoutSeconds: _, ...estimated } = task
  const Retry = [stragglerRetry, ...functionRetries]
  return { ...estimated, TimeoutSecondsPath: '$.timeoutSeconds', Retry, Catch, End: true }
}

/** Returns fields that are copied from the input of a state. */
export const stateFields = (...names: readonly string[]): State =>
  Object.fromEntries(names.map(name => [`${name}.$`, `$.${name}`]))

/** Returns a choice of the next state by the status of the input. */
export const statusIs = (status: string, Next: string) => ({ Variable: '$.status', StringEquals: status, Next })

const toFailed = ({ failed }: Names) => ({ ErrorEquals: ['States.ALL'], ResultPath: '$.fault', Next: failed })
