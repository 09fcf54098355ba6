import { describe, expect, it } from 'vitest'
import type { State, States } from '../../lib/aws/invoke-states.ts'
import { makeStateMachine, type StateMachine } from '../../lib/aws/state-machine.ts'

const options = {
  tasks: ['flights'],
  tierCount: 2,
  maxConcurrency: 100,
  nodeConcurrency: 20,
  timeoutSeconds: 86_400,
  functionTimeoutSeconds: 900,
}

describe('stateMachine', () => {
  it('is the snapshot for one task and two tiers', () => {
    expect(JSON.stringify(makeStateMachine(options), undefined, 2)).toMatchSnapshot()
  })

  it('is the same for any number of tasks', () => {
    const tasks = Array.from({ length: 100 }, (_, index) => `task-${index}`)
    expect(makeStateMachine({ ...options, tasks })).toEqual(makeStateMachine({ ...options, tasks: ['a', 'b'] }))
    expect(JSON.stringify(makeStateMachine({ ...options, tasks })).length).toBeLessThan(32 * 1024)
  })

  it('names states uniquely in the whole machine, in at most 80 characters', () => {
    for (const tasks of [['flights'], ['x'.repeat(100)], ['flights', 'delays']]) {
      const names = namesIn(makeStateMachine({ ...options, tasks }))
      expect(new Set(names).size).toBe(names.length)
      expect(names.filter(name => name.length > 80)).toEqual([])
    }
  })

  it('leads every state to one that exists', () => {
    for (const tasks of [['a'], ['a', 'b']])
      for (const scope of scopesOf(makeStateMachine({ ...options, tasks }))) {
        const targets = [scope.StartAt, ...Object.values(scope.States).flatMap(targetsOf)]
        expect(targets.filter(target => !(target in scope.States))).toEqual([])
        expect(Object.keys(scope.States).filter(name => !targets.includes(name))).toEqual([])
      }
  })

  it('retries a batch that lacks memory, time or disk on the next tier, if there is one', () => {
    const [first, second] = batchStates(makeStateMachine(options))
    expect(first).toMatchObject({
      Catch: [
        {
          ErrorEquals: expect.arrayContaining(['CapacityError', 'Runtime.OutOfMemory', 'Sandbox.Timedout']),
          Next: 'flights: batch, tier 2',
        },
      ],
    })
    expect(second).not.toHaveProperty('Catch')
    expect(JSON.stringify([first, second])).toMatch(/ProcessFunction1.*ProcessFunction2/)
  })

  it('gives a batch up at its estimate on the first tier, tries it once more there, and then on the next one', () => {
    const [first, second] = batchStates(makeStateMachine(options))
    expect(first).toMatchObject({ TimeoutSecondsPath: '$.timeoutSeconds' })
    expect(first).not.toHaveProperty('TimeoutSeconds')
    const timedOut = (first!.Retry as Retry[]).filter(({ ErrorEquals }) => ErrorEquals.includes('States.Timeout'))
    expect(timedOut).toMatchObject([{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1 }])
    expect(JSON.stringify(first!.Catch)).toContain('States.Timeout')
    expect(second).toMatchObject({ TimeoutSeconds: 930 })
    const [only] = batchStates(makeStateMachine({ ...options, tierCount: 1 }))
    expect(only).toMatchObject({ TimeoutSeconds: 930 })
  })

  it('retries transient errors with jitter, and never a PermanentError', () => {
    const text = JSON.stringify(makeStateMachine(options))
    expect(text).not.toContain('PermanentError')
    const retries = Object.values(makeStateMachine(options).States).flatMap(allRetries)
    expect(retries.length).toBeGreaterThan(0)
    expect(retries.filter(retry => retry.MaxAttempts > 0 && retry.JitterStrategy !== 'FULL')).toEqual([])
  })

  it('lets an invocation that is throttled wait for more than a day, until the execution ends', () => {
    const meanSeconds = 150
    const throttled = scopesOf(makeStateMachine(options))
      .flatMap(scope => Object.values(scope.States))
      .filter(state => state.Type === 'Task' && String(state.Resource).includes('LambdaInvoke'))
      .map(state => (state.Retry as Retry[]).find(each => each.ErrorEquals.includes(throttling)))
    expect(throttled.length).toBeGreaterThan(3)
    for (const retry of throttled) {
      expect(retry).toMatchObject({ ErrorEquals: [throttling], MaxDelaySeconds: 2 * meanSeconds })
      expect(retry!.MaxAttempts * meanSeconds).toBeGreaterThan(options.timeoutSeconds)
      // A try writes three of the 25,000 events of a history, and several tasks may be throttled at once.
      expect(retry!.MaxAttempts * 3).toBeLessThanOrEqual(25_000 / 4)
    }
  })

  it('ends as superseded, not as complete, when a later run was committed first', () => {
    const scope = scopesOf(makeStateMachine(options)).find(each => 'flights: committed?' in each.States)!
    const { Choices } = scope.States['flights: committed?'] as { Choices: unknown[] }
    const superseded = { Variable: '$.commit.answer.supersededBy', IsPresent: true, Next: 'flights: superseded' }
    expect(Choices[0]).toEqual(superseded)
    expect(scope.States['flights: superseded']).toMatchObject({ Parameters: { status: 'superseded' }, End: true })
  })

  it('begins with the states of a graph where an input names none of several tasks', () => {
    const { StartAt, States: states } = makeStateMachine({ ...options, tasks: ['a', 'b'] })
    expect(states[StartAt]).toEqual({
      Type: 'Choice',
      Choices: [{ Variable: '$.task', IsPresent: true, Next: 'begin task' }],
      Default: 'begin graph',
    })
    expect(makeStateMachine(options).StartAt).toBe('begin task')
  })

  it('goes on with the states of a graph where Plan says that more than one task is requested', () => {
    expect(makeStateMachine(options).States['task complete?']).toEqual({
      Type: 'Choice',
      Choices: [
        { Variable: '$[0].status', StringEquals: 'continued', Next: 'continue' },
        { Variable: '$[0].status', StringEquals: 'failed', Next: 'failed' },
        { Variable: '$[0].status', StringEquals: 'graph', Next: 'begin graph' },
      ],
      Default: 'complete',
    })
  })

  it('asks Graph for nodes until none is left, and fails only then', () => {
    const { States: states } = makeStateMachine(options)
    expect(states.graph).toMatchObject({ OutputPath: '$.Payload', Next: 'nodes ready?' })
    const statusIs = (status: string, Next: string) => ({ Variable: '$.status', StringEquals: status, Next })
    expect(states['nodes ready?']).toEqual({
      Type: 'Choice',
      Choices: [
        statusIs('wave', 'nodes'),
        statusIs('wait', 'wait for nodes'),
        statusIs('continued', 'continue'),
        statusIs('failed', 'failed'),
      ],
      Default: 'complete',
    })
    expect(states.nodes).toMatchObject({
      MaxConcurrency: 20,
      ResultPath: null,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'graph' }],
      Next: 'graph',
    })
  })

  it('gives a node only its key, and the execution of the whole graph as the owner of its run', () => {
    const { ItemReader, ItemSelector } = makeStateMachine(options).States.nodes as Record<string, unknown>
    expect(ItemReader).toMatchObject({ Parameters: { 'Bucket.$': '$.bucket', 'Key.$': '$.waveKey' } })
    expect(ItemSelector).toEqual({
      'task.$': '$$.Map.Item.Value.task',
      'execution.$': "States.Format('{}#{}', $$.Execution.Id, $$.Map.Item.Value.key)",
      node: { 'graph.$': '$.graph', 'step.$': '$.step', 'key.$': '$$.Map.Item.Value.key' },
      'maxConcurrency.$': '$.maxConcurrency',
      'shipped.$': '$.shipped',
      waits: { count: 0, inRow: 0, max: 444 },
    })
  })

  it('names no execution within the children of a node, where the context object is another one on each platform', () => {
    const { nodes } = makeStateMachine(options).States
    expect(JSON.stringify(nodes?.ItemProcessor)).not.toContain('$$.Execution')
    expect(JSON.stringify(nodes?.ItemSelector)).toContain('$$.Execution')
  })

  it('ends every node in a state that records how it ended', () => {
    const { ItemProcessor } = makeStateMachine(options).States.nodes ?? {}
    const { States: states } = ItemProcessor as States
    const ends = Object.entries(states).filter(([, state]) => !targetsOf(state).length)
    expect(ends.map(([name]) => name)).toEqual([
      'node: nothing to do',
      'node: failed',
      'node: complete',
      'node: superseded',
      'node: continued',
    ])
    for (const [, state] of ends)
      expect(state).toMatchObject({
        Type: 'Task',
        Parameters: {
          FunctionName: expect.stringMatching(/^\$.GraphFunction.$/),
          Payload: { 'node.$': '$.node', end: { 'state.$': '$' } },
        },
        End: true,
      })
    const failing = Object.values(states).filter(state => state.Type === 'Task' && !state.End)
    expect(failing.map(targetsOf)).toEqual(failing.map(() => expect.arrayContaining(['node: failed'])))
  })

  it('waits in Wait states for the seconds in the answers of the functions', () => {
    const waits = scopesOf(makeStateMachine(options))
      .flatMap(scope => Object.entries(scope.States))
      .filter(([, state]) => state.Type === 'Wait')
    const path = '$.commit.answer.waitSeconds'
    const waitsOf = (name: string) => [
      [`${name}: wait`, { Type: 'Wait', SecondsPath: '$.waitSeconds', Next: `${name}: plan` }],
      [
        `${name}: wait to commit`,
        { Type: 'Wait', SecondsPath: path, OutputPath: '$.commit.answer', Next: `${name}: commit` },
      ],
    ]
    expect(waits.sort()).toEqual(
      [
        ...waitsOf('flights'),
        ...waitsOf('node'),
        ['wait for nodes', { Type: 'Wait', SecondsPath: '$.waitSeconds', Next: 'graph' }],
      ].sort(),
    )
    expect(JSON.stringify(makeStateMachine(options))).not.toContain('waitForTaskToken')
  })

  it('spends at most 4,000 events of each history on waiting', () => {
    const machine = makeStateMachine(options)
    const maxima = [...JSON.stringify(machine).matchAll(/"max":(\d+)/g)].map(([, max]) => Number(max))
    // Those of one task, of the graph, and of a node, whose child has a history of its own.
    expect(maxima).toHaveLength(3)
    // The function's task writes five events, the Choice and the Wait state two each.
    for (const max of maxima) expect(Math.abs(max * 9 - 4_000)).toBeLessThan(9)
  })

  it('starts one successor with its own input and ends when a task has used up its waits', () => {
    const { States: states } = makeStateMachine(options)
    expect(states.continue).toMatchObject({
      Parameters: {
        'StateMachineArn.$': '$$.StateMachine.Id',
        'Input.$': '$$.Execution.Input',
        'Name.$': expect.stringContaining('States.Hash($$.Execution.Id'),
      },
      Catch: [{ ErrorEquals: ['StepFunctions.ExecutionAlreadyExistsException'], Next: 'continued' }],
      Next: 'continued',
    })
    expect(states.continued).toEqual({ Type: 'Succeed' })
  })

  it('retries a Map that could not read its items or start its children', () => {
    const map = mapsIn(makeStateMachine(options)).find(({ MaxConcurrencyPath }) => MaxConcurrencyPath)
    expect(map?.Retry).toMatchObject([{ ErrorEquals: ['States.ItemReaderFailed', 'States.TaskFailed'] }])
  })

  it('begins a wave of nodes again only while none of them was given', () => {
    expect(makeStateMachine(options).States.nodes?.Retry).toMatchObject([{ ErrorEquals: ['States.ItemReaderFailed'] }])
  })

  it('runs as many batches at once as the answer of Plan says', () => {
    const maps = mapsIn(makeStateMachine(options)).filter(
      map => map.ItemSelector && 'item.$' in (map.ItemSelector as object),
    )
    expect(maps).toHaveLength(2)
    for (const map of maps) {
      expect(map).toMatchObject({ MaxConcurrencyPath: '$.maxConcurrency' })
      expect(map).not.toHaveProperty('MaxConcurrency')
    }
  })
})

interface Retry {
  readonly ErrorEquals: readonly string[]
  readonly MaxAttempts: number
}

const throttling = 'Lambda.TooManyRequestsException'

function scopesOf(scope: States): States[] {
  const inner = Object.values(scope.States).flatMap(state => [
    ...((state.Branches as States[]) ?? []),
    ...(state.ItemProcessor ? [state.ItemProcessor as States] : []),
  ])
  return [scope, ...inner.flatMap(scopesOf)]
}

const namesIn = (machine: StateMachine): string[] => scopesOf(machine).flatMap(scope => Object.keys(scope.States))

function targetsOf(state: State): string[] {
  const {
    Next,
    Default,
    Choices = [],
    Catch = [],
  } = state as { Next?: string; Default?: string; Choices?: { Next: string }[]; Catch?: { Next: string }[] }
  return [Next, Default, ...Choices.map(choice => choice.Next), ...Catch.map(caught => caught.Next)].filter(
    target => target !== undefined,
  )
}

const mapsIn = (machine: StateMachine): State[] =>
  scopesOf(machine)
    .flatMap(scope => Object.values(scope.States))
    .filter(state => state.Type === 'Map')

function batchStates(machine: StateMachine): State[] {
  return scopesOf(machine)
    .filter(scope => scope.StartAt.endsWith(': batch'))
    .flatMap(scope => Object.values(scope.States))
}

function allRetries(value: unknown): { readonly JitterStrategy?: string; readonly MaxAttempts: number }[] {
  if (typeof value !== 'object' || value === null) return []
  const own = 'Retry' in value ? (value.Retry as ReturnType<typeof allRetries>) : []
  return [...own, ...Object.values(value).flatMap(allRetries)]
}
