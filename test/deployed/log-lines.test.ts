import { describe, expect, it } from 'vitest'
import { createLogReader, type LogEvent, type LogFilter, type LogLine } from '../../lib/deployed/log-lines.ts'

const request = '7de3332d-9b67-43f1-8e70-59f0d28233e5'
const other = 'c16b2f99-efc8-4e58-b9db-79599175f54d'
const at = Date.parse('2001-01-01T00:00:10Z')

const own = (fields: object): LogEvent => ({
  at,
  text: JSON.stringify({
    level: 'INFO',
    message: 'processed',
    timestamp: '2001-01-01T00:00:01.500Z',
    service: 'flights',
    sampling_rate: 0,
    xray_trace_id: '1-2',
    task: 'flights',
    execution: 'arn:one',
    request,
    run: 'aaaa',
    batch: 3,
    ...fields,
  }),
})
const platform = (text: string): LogEvent => ({ at, text: `${text}\n` })

const read = (events: readonly LogEvent[], wanted: Partial<LogFilter> = {}): LogLine[] => {
  const reader = createLogReader({ level: 'info', ...wanted })
  return events.map(event => reader(event, 'process')).filter(line => line !== undefined)
}

describe('lines of the logs', () => {
  it('have the time, the batch and the fields with which they were written', () => {
    expect(read([own({ rows: 5, attempt: 1 })])).toEqual([
      {
        at: '2001-01-01T00:00:01.500Z',
        step: 'process',
        level: 'info',
        message: 'processed',
        task: 'flights',
        execution: 'arn:one',
        run: 'aaaa',
        batch: 3,
        request,
        fields: { rows: 5, attempt: 1 },
      },
    ])
  })

  it('leave out metrics, and what is below the level', () => {
    const events = [
      { at, text: '{"_aws":{},"Rows":5}' },
      own({}),
      own({ level: 'WARN' }),
      platform(`START RequestId: ${request}`),
    ]
    expect(read(events, { level: 'warn' }).map(({ level }) => level)).toEqual(['warn'])
    expect(read(events, { level: 'debug' }).map(({ level }) => level)).toEqual(['info', 'warn', 'debug'])
  })

  it('belong to a run by its id in any field, or to an execution', () => {
    const planned = own({ message: 'planned', run: undefined, batch: undefined, runId: 'aaaa', execution: 'arn:two' })
    const events = [planned, own({}), own({ run: 'bbbb' }), own({ run: 'bbbb', execution: 'arn:three' })]
    expect(read(events, { run: 'aaaa' })).toHaveLength(2)
    expect(read(events, { executions: ['arn:one'] })).toHaveLength(2)
    expect(read(events)).toHaveLength(4)
  })

  it('of the platform belong to the run of their invocation', () => {
    const report = (id: string) => platform(`REPORT RequestId: ${id}\tDuration: 5 ms`)
    const events = [own({}), own({ request: other, run: 'bbbb' }), report(request), report(other)]
    expect(read(events, { run: 'aaaa', level: 'debug' }).map(({ message }) => message.slice(0, 20))).toEqual([
      'processed',
      'REPORT RequestId: 7d',
    ])
  })

  it('of the platform are shown from level warn when their invocation logged nothing', () => {
    const timedOut = platform(`2001-01-01T00:00:10.000Z ${request} Task timed out after 900.00 seconds`)
    expect(read([timedOut], { run: 'aaaa' })).toMatchObject([{ level: 'error', request }])
    expect(read([platform(`END RequestId: ${other}`)], { run: 'aaaa', level: 'debug' })).toEqual([])
  })

  it('show an error once, although the platform repeats it', () => {
    const repeated = platform(
      `2001-01-01T00:00:10.000Z\t${request}\tERROR\tInvoke Error {"errorType":"PermanentError"}`,
    )
    expect(read([own({ level: 'ERROR' }), repeated])).toHaveLength(1)
    expect(read([repeated])).toMatchObject([{ level: 'error' }])
  })
})
