import { describe, expect, it } from 'vitest'
import { choosePipeline, pipelinesIn } from '../../lib/aws/stack-outputs.ts'

const outputsOf = (id: string, name: string) => ({
  [`${id}Pipeline`]: name,
  [`${id}StateMachineArn`]: `arn:aws:states:us-east-1:1:stateMachine:${id}`,
  [`${id}Input`]: 's3://in/',
  [`${id}Output`]: 's3://out/lake/',
  [`${id}LogGroups`]: 'p,one,two,c',
})

describe('outputs of a stack', () => {
  it('give the roots and log groups of each pipeline, and ignore other outputs', () => {
    const others = {
      Url: 'https://example.com',
      BillingStateMachineArn: 'arn:aws:states:us-east-1:1:stateMachine:Billing',
    }
    const found = pipelinesIn('Lake', { ...outputsOf('Trips', 'trips'), ...others, ...outputsOf('Flights', 'flights') })
    expect(found.map(each => each.name)).toEqual(['flights', 'trips'])
    expect(found[0]).toEqual({
      stack: 'Lake',
      id: 'Flights',
      name: 'flights',
      stateMachineArn: 'arn:aws:states:us-east-1:1:stateMachine:Flights',
      input: 's3://in/',
      output: 's3://out/lake/',
      logGroups: [
        { name: 'p', step: 'plan' },
        { name: 'one', step: 'process' },
        { name: 'two', step: 'process' },
        { name: 'c', step: 'commit' },
      ],
    })
  })

  it('give the facts by which code is shipped, where the pipeline has them as this version writes them', () => {
    const ship = { versions: ['fanmill@1.0.0'], needs: { inputs: 'a' }, include: [], external: {}, entry: 'a.ts' }
    const shipOf = (text: string) => pipelinesIn('Lake', { ...outputsOf('Trips', 'trips'), TripsShip: text })[0]?.ship
    expect(shipOf(JSON.stringify(ship))).toEqual(ship)
    expect(shipOf('{"versions":"1"}')).toBeUndefined()
    expect(shipOf('true')).toBeUndefined()
  })

  it('give the log group of the function that starts executions, where the pipeline has one', () => {
    const [found] = pipelinesIn('Lake', { ...outputsOf('Trips', 'trips'), TripsStartLogGroup: 's' })
    expect(found?.logGroups.slice(-2)).toEqual([
      { name: 'c', step: 'commit' },
      { name: 's', step: 'start' },
    ])
  })

  const two = pipelinesIn('Lake', { ...outputsOf('Trips', 'trips'), ...outputsOf('Flights', 'flights') })
  const same = pipelinesIn('Lake', { ...outputsOf('Old', 'trips'), ...outputsOf('New', 'trips') })

  it('need no name for the only pipeline, and the name or the id of its construct for one of several', () => {
    expect(choosePipeline('Lake', two.slice(0, 1), undefined).name).toBe('flights')
    expect(choosePipeline('Lake', two, 'trips').id).toBe('Trips')
    expect(choosePipeline('Lake', same, 'New').id).toBe('New')
  })

  it.each([
    [two, undefined, 'USAGE', 'stack Lake has several pipelines: flights, trips; name one with --pipeline'],
    [two, 'flihgts', 'USAGE', 'stack Lake has no pipeline flihgts; did you mean flights?'],
    [two, 'q', 'USAGE', 'stack Lake has no pipeline q; it has flights, trips'],
    [same, 'trips', 'USAGE', 'stack Lake has several pipelines called trips: Old, New; name one with --pipeline'],
    [[], undefined, 'STACK_UNKNOWN', 'stack Lake has no Fanmill pipeline among its outputs'],
  ] as const)(
    'list the pipelines in the error when the name matches none or several (%#)',
    (pipelines, wanted, code, message) => {
      expect(() => choosePipeline('Lake', pipelines, wanted)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(message) }),
      )
    },
  )
})
