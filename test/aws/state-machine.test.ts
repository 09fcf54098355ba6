import { describe, expect, it } from 'vitest'
import { makeStateMachine, type State, type StateMachine, type States } from '../../lib/aws/state-machine.ts'
import type { Waits } from '../../lib/model/waits.ts'

const options = {
  stages: [['flights']],
  tierCount: 2,
  maxConcurrency: 100,
  timeoutSeconds: 86_400,
  functionTimeoutSeconds: 900,
}

describe('stateMachine', () => {
  it('is the snapshot for one task and two tiers', () => {
    expect(JSON.stringify(makeStateMachine(options), undefined, 2)).toMatchSnapshot()
  })

  it('has only a few kilobytes for each task', () => {
    const tasks = Array.from({ length: 10 }, (_, index) => `task-${index}`)
    expect(JSON.stringify(makeStateMachine({ ...options, stages: [tasks] })).length).toBeLessThan(10 * 8192)
  })

  it('names states uniquely in the whole machine, in at most 80 characters', () => {
    const long = 'x'.repeat(100)
    const names = namesIn(makeStateMachine({ ...options, stages: [['flights', `${long}-a`, `${long}-b`], ['delays']] }))
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter(name => name.length > 80)).toEqual([])
  })

  it('leads every state to one that exists', () => {
    for (const scope of scopesOf(makeStateMachine({ ...options, stages: [['a', 'b'], ['c']] }))) {
      const targets = [scope.StartAt, ...Object.values(scope.States).flatMap(targetsOf)]
      expect(targets.filter(target => !(target in scope.States))).toEqual([])
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

  it('begins a stage only when every task of the one before is complete', () => {
    const { States: states } = makeStateMachine({ ...options, stages: [['a', 'b'], ['c']] })
    const isAny = (status: string) => [0, 1].map(index => ({ Variable: `$[${index}].status`, StringEquals: status }))
    expect(states['tasks 1 complete?']).toEqual({
      Type: 'Choice',
      Choices: [
        { Or: isAny('continued'), Next: 'continue' },
        { Or: isAny('failed'), Next: 'failed' },
      ],
      Default: 'begin tasks 2',
    })
  })

  it('waits in Wait states for the seconds in the answers of the functions', () => {
    const waits = scopesOf(makeStateMachine(options))
      .flatMap(scope => Object.entries(scope.States))
      .filter(([, state]) => state.Type === 'Wait')
    expect(waits).toEqual([
      ['flights: wait', { Type: 'Wait', SecondsPath: '$.waitSeconds', Next: 'flights: plan' }],
      [
        'flights: wait to commit',
        {
          Type: 'Wait',
          SecondsPath: '$.commit.answer.waitSeconds',
          OutputPath: '$.commit.answer',
          Next: 'flights: commit',
        },
      ],
    ])
    expect(JSON.stringify(makeStateMachine(options))).not.toContain('waitForTaskToken')
  })

  it.each([1, 3, 40])('spends at most 4,000 events of a history on waiting, in all of %i tasks together', taskCount => {
    const tasks = Array.from({ length: taskCount }, (_, index) => `task-${index}`)
    const half = Math.ceil(taskCount / 2)
    const stages = taskCount === 1 ? [tasks] : [tasks.slice(0, half), tasks.slice(half)]
    const machine = makeStateMachine({ ...options, stages })
    const maxima = Object.values(machine.States).flatMap(({ Result, Next }) => {
      const { waits } = (Result ?? {}) as { waits?: Waits }
      const { Branches = [] } = machine.States[String(Next)] ?? {}
      return waits ? (Branches as unknown[]).map(() => waits.max) : []
    })
    expect(maxima).toHaveLength(taskCount)
    const sum = maxima.reduce((total, max) => total + max, 0)
    // The function's task writes five events, the Choice and the Wait state two each.
    expect(sum * 9).toBeLessThanOrEqual(4_000)
    expect(sum * 9).toBeGreaterThan(4_000 - 9 * taskCount)
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
    const [map] = mapsIn(makeStateMachine(options))
    expect(map?.Retry).toMatchObject([{ ErrorEquals: ['States.ItemReaderFailed', 'States.TaskFailed'] }])
  })

  it('runs as many batches at once as the answer of Plan says', () => {
    const maps = mapsIn(makeStateMachine({ ...options, stages: [['a', 'b'], ['c']] }))
    expect(maps).toHaveLength(3)
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
