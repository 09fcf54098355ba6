import { describe, expect, it } from 'vitest'
import { faultOf } from '../../lib/aws/fault.ts'
import { continuedBy, startedBy, tasksOf } from '../../lib/deployed/execution-tasks.ts'
import { runOperations, taskOperations } from '../../lib/deployed/operations-by-status.ts'

const run = { runId: '0f3a9c1d5e7b2468', attempt: 1 }
const planned = { status: 'planned', done: true, task: 'flights', run, bucket: 'b', planKey: 'k' }
const thrown = (errorMessage: string) => JSON.stringify({ errorType: 'PermanentError', errorMessage, trace: [] })

const tasksAfter = (...outputs: object[]) => tasksOf(outputs.map(output => JSON.stringify(output)))

describe('tasks of an execution', () => {
  it('are planned, then committed when the last state says complete', () => {
    expect(tasksAfter({ status: 'more', done: false, task: 'flights' })).toMatchObject([{ status: 'more' }])
    expect(tasksAfter(planned, planned)).toEqual([{ task: 'flights', status: 'planned', run }])
    expect(tasksAfter(planned, { task: 'flights', status: 'complete', run })).toEqual([
      { task: 'flights', status: 'committed', run },
    ])
  })

  it('are complete when there was nothing to plan', () => {
    const complete = { status: 'complete', done: true, task: 'flights', run: { runId: run.runId } }
    expect(tasksAfter(complete, { task: 'flights', status: 'complete' })).toEqual([
      { task: 'flights', status: 'complete', run: { runId: run.runId } },
    ])
  })

  it('are superseded when a later run that read the same inputs was committed first', () => {
    expect(tasksAfter(planned, { status: 'superseded', task: 'flights', run })).toEqual([
      { task: 'flights', status: 'superseded', run },
    ])
  })

  it('fail separately, each with the code of its error', () => {
    const Cause = thrown('BATCHES_FAILED 1 of 2 batches have no outcome')
    const failed = { task: 'flights', status: 'failed', fault: { Error: 'PermanentError', Cause } }
    expect(tasksAfter(planned, { status: 'ignored', done: true, task: 'delays' }, failed)).toEqual([
      {
        task: 'flights',
        status: 'failed',
        run,
        fault: { code: 'BATCHES_FAILED', message: '1 of 2 batches have no outcome' },
      },
      { task: 'delays', status: 'ignored' },
    ])
  })

  it('are not read from outputs of other states', () => {
    const others = [
      '[{"task":"flights","status":"failed"}]',
      '{"done":true}',
      'null',
      '',
      '{"task":1,"status":"planned"}',
    ]
    expect(tasksOf([...others, JSON.stringify({ task: 'flights', status: 'unheard of' })])).toEqual([])
  })

  it('wait, and are continued by another execution when they waited long', () => {
    const waiting = { status: 'wait', done: false, task: 'flights', waitSeconds: 5 }
    const continued = { status: 'continued', task: 'flights' }
    expect(tasksAfter(waiting)).toEqual([{ task: 'flights', status: 'wait' }])
    expect(tasksAfter(waiting, continued)).toEqual([{ task: 'flights', status: 'continued' }])
    const outputs = [waiting, continued, { continuedBy: 'arn:next' }].map(output => JSON.stringify(output))
    expect(continuedBy(outputs)).toBe('arn:next')
    expect(continuedBy(outputs.slice(0, 2))).toBe(undefined)
  })

  it('are over when the execution does nothing more for them', () => {
    const over = ['committed', 'superseded', 'complete', 'busy', 'continued', 'ignored', 'failed'] as const
    for (const status of over) expect(taskOperations[status].progress).toBe('over')
    for (const status of ['more', 'wait', 'unsettled', 'planned'] as const)
      expect(taskOperations[status].progress).not.toBe('over')
  })

  it('name the run to continue where nothing else is chosen, and never one that is complete', () => {
    const chosen = Object.entries(runOperations).filter(([, { unnamed }]) => unnamed === 'first')
    expect(chosen.map(([status]) => status)).toEqual(['interrupted', 'failed'])
    for (const [status, { retry }] of Object.entries(runOperations))
      expect(retry === 'refuseComplete').toBe(status === 'complete')
  })
})

describe('a fault', () => {
  it.each([
    ['TransientError', thrown('no code in it'), { message: 'PermanentError: no code in it' }],
    ['States.Timeout', undefined, { message: 'States.Timeout' }],
    [
      'Lambda.Unknown',
      'The cause could not be determined',
      { message: 'Lambda.Unknown: The cause could not be determined' },
    ],
    [undefined, undefined, { message: 'it failed without an error message' }],
  ])('has the name of the platform’s error: %s', (error, cause, expected) => {
    expect(faultOf(error, cause)).toEqual(expected)
  })
})

describe('the start of an execution', () => {
  it.each([
    [{ detail: { bucket: { name: 'in' }, object: { key: 'a/b.zip' } } }, 'upload of s3://in/a/b.zip'],
    [{}, 'by hand'],
    [
      { task: 'flights', params: { month: '2001-01' }, force: true, ended: ['arn'] },
      'by hand flights month=2001-01 force',
    ],
    [{ task: 'flights', shipped: '0123456789abcdef'.repeat(4) }, 'by hand flights ship=0123456789ab'],
  ])('is described in words: %j', (input, words) => {
    expect(startedBy(JSON.stringify(input))).toBe(words)
  })

  it('is undefined when it is not known', () => {
    expect(startedBy(undefined)).toBeUndefined()
  })
})
