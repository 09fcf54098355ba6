import { describe, expect, it } from 'vitest'
import {
  days,
  months,
  type PipelineDefinition,
  param,
  parquet,
  partitionsOf,
  pipeline,
  type TaskDefinition,
  task,
} from '../../lib/define/index.ts'
import { graphIdOf, readGraph } from '../../lib/graph/graph.ts'
import { type GraphRequest, resolveGraph } from '../../lib/graph/resolve-graph.ts'
import { stateBytes } from '../../lib/state/state.ts'
import { fileTask } from './graphs.ts'

const flights = fileTask('flights', { params: { month: param.month() } })
const delays = fileTask('delays', { requires: flights })
const year = fileTask('year', {
  params: { year: param.integer() },
  requires: (({ year }: { year: number }) => ({ flights: flights.each({ month: months(year) }) })) as never,
})
const of = (...tasks: TaskDefinition[]): PipelineDefinition => pipeline({ name: 'p', tasks })
const keysOf = (definition: PipelineDefinition, request: GraphRequest) =>
  resolveGraph(definition, request).nodes.map(({ key }) => key)

describe('resolveGraph', () => {
  it('names each node by its task and parameters, after those that it requires', () => {
    const graph = resolveGraph(of(flights, delays), { tasks: ['delays'], params: { month: '2001-01' } })
    expect(graph).toMatchObject({
      pipeline: 'p',
      requested: ['delays(month=2001-01)'],
      nodes: [
        { key: 'flights(month=2001-01)', task: 'flights', params: { month: '2001-01' }, requires: [], groups: {} },
        {
          key: 'delays(month=2001-01)',
          requires: ['flights(month=2001-01)'],
          groups: { flights: ['flights(month=2001-01)'] },
        },
      ],
    })
    expect(readGraph(stateBytes(graph), 'graph.json')).toEqual(JSON.parse(JSON.stringify(graph)))
  })

  it('runs a task once for each month of a year, and shares nodes', () => {
    const graph = resolveGraph(of(flights, delays, year), { params: { month: '2001-02', year: 2001 } })
    expect(graph.nodes.length).toBe(12 + 1 + 1)
    expect(graph.nodes.at(-2)).toMatchObject({
      key: 'year(year=2001)',
      requires: months(2001).map(month => `flights(month=${month})`),
    })
  })

  it('gives the product of ranges and lists', () => {
    const both = fileTask('both', { params: { day: param.date(), kind: param.enumeration(['a', 'b', 'c']) } })
    const request = { params: { day: '2024-02-28..2024-03-01,2024-03-05', kind: 'c,a' } }
    expect(keysOf(of(both), request)).toEqual(
      ['2024-02-28', '2024-02-29', '2024-03-01', '2024-03-05'].flatMap(day =>
        ['c', 'a'].map(kind => `both(day=${day},kind=${kind})`),
      ),
    )
    expect(keysOf(of(flights), { params: { month: ['2001-11..2002-01', '2001-12'] } }).length).toBe(3)
  })

  it('gives the same id to the same request, however it is written', () => {
    const id = (month: unknown) => graphIdOf(resolveGraph(of(flights), { params: { month } }))
    expect(id('2001-01..2001-03')).toBe(id(['2001-01', '2001-02', '2001-03']))
    expect(id('2001-01')).not.toBe(id('2001-02'))
  })

  it('escapes values in keys', () => {
    const text = fileTask('text', { params: { name: param.string() } })
    expect(keysOf(of(text), { params: { name: ['a/b=c', 'ü'] } })).toEqual(['text(name="a/b=c")', 'text(name="ü")'])
  })

  it('follows a chain of thousands of days', () => {
    const day = { params: { day: param.date() } }
    const before = (date: string): string => new Date(Date.parse(date) - 86_400_000).toISOString().slice(0, 10)
    const chain: TaskDefinition = fileTask('chain', {
      ...day,
      requires: (({ day }: { day: string }) =>
        day === '1990-01-01' ? [] : chainOf().withParams({ day: before(day) })) as never,
    })
    const chainOf = () => chain as ReturnType<typeof fileTask>
    const { nodes } = resolveGraph(of(chain), { params: { day: '2010-01-01' } })
    expect(nodes.length).toBe(7306)
    expect(nodes[0]).toMatchObject({ params: { day: '1990-01-01' }, requires: [] })
    expect(() => resolveGraph(of(chain), { params: { day: '1989-12-31' } })).toThrow(
      'expected a graph of at most 10000 nodes',
    )
  })
})

it('keeps what a task requires under the name of another task, whose rows it reads', () => {
  const base = fileTask('base')
  const other = fileTask('other')
  const reader = task({
    name: 'reader',
    requires: { base: other },
    source: partitionsOf(base),
    output: parquet({ path: '{task}' }),
  })
  expect(keysOf(of(base, other, reader), { tasks: ['reader'] }).toSorted()).toEqual(['base', 'other', 'reader'])
})

describe('a graph that cannot run', () => {
  const refused = (definition: PipelineDefinition, request: GraphRequest): unknown => {
    try {
      return resolveGraph(definition, request)
    } catch (error) {
      return error
    }
  }

  it('is refused with the round that a cycle makes', () => {
    const a: ReturnType<typeof fileTask> = fileTask('a', { requires: (() => b) as never })
    const b: ReturnType<typeof fileTask> = fileTask('b', { requires: a })
    const top = fileTask('top', { requires: b })
    expect(refused(of(a, b, top), { tasks: ['top'] })).toMatchObject({
      code: 'GRAPH_CYCLE',
      message: 'expected tasks that do not wait for themselves, got b → a → b',
    })
  })

  it('is refused where a requirement has no value for a parameter', () => {
    const top = fileTask('top', { requires: (() => delays) as never })
    expect(refused(of(flights, delays, top), { tasks: ['top'] })).toMatchObject({
      code: 'PARAM_UNBOUND',
      message:
        'top → delays: param month: expected a value, got none from top; declare month in task top, or give it a value: delays.withParams({ month: … })',
      detail: { path: ['top', 'delays'] },
    })
  })

  it('is refused where a value is not what a requirement takes', () => {
    const top = fileTask('top', { params: { month: param.string() }, requires: delays })
    expect(refused(of(flights, delays, top), { tasks: ['top'], params: { month: 'May' } })).toMatchObject({
      code: 'PARAM_CONFLICT',
      message: expect.stringContaining(
        'top(month=May) → delays: param month: expected a month YYYY-MM, got "May" from top',
      ),
    })
  })

  it('is refused where nodes write one output that keeps the rows of one run only', () => {
    const salted = fileTask('salted', { params: { month: param.month() } })
    const replacing = { ...salted, output: { ...salted.output, path: 'one' } } as TaskDefinition
    const definition = { kind: 'pipeline', name: 'p', tasks: [replacing] } as const
    expect(refused(definition, { params: { month: '2001-01..2001-02' } })).toMatchObject({
      code: 'OUTPUT_AMBIGUOUS',
      message: expect.stringContaining(
        'got one of salted(month=2001-01) and of salted(month=2001-02), whose mode is replace',
      ),
    })
  })

  it('is refused where the function of the params fails or returns something else', () => {
    const throws = fileTask('throws', {
      requires: () => {
        throw new Error('no calendar')
      },
    })
    expect(refused(of(throws), {})).toMatchObject({
      code: 'DEFINITION_INVALID',
      message: 'throws: requires: the function failed: no calendar',
    })
    const wrong = fileTask('wrong', { requires: (() => 'flights') as never })
    expect(refused(of(wrong), {})).toMatchObject({
      message: expect.stringContaining('expected a task, tasks in a list'),
    })
  })

  it('is refused with the parameter that no task has, that is missing, or whose range is none', () => {
    expect(refused(of(flights, year), { params: { mont: '2001-01' } })).toMatchObject({
      code: 'PARAM_INVALID',
      message: 'param mont: expected one of the params month, year, got mont, did you mean month',
    })
    expect(refused(of(flights), {})).toMatchObject({
      code: 'PARAM_INVALID',
      message:
        'param month: expected a month YYYY-MM, got nothing; task flights needs it: give it, as in --param month=VALUE, or name a task that needs none',
    })
    for (const month of ['2001-02..2001-01', '2001-01..2001-02..2001-03', '2001-01..2001-13', '2001-01,'])
      expect(refused(of(flights), { params: { month } }), month).toMatchObject({ code: 'PARAM_INVALID' })
    expect(refused(of(flights), { params: { month: '0001-01..2001-01' } })).toMatchObject({ code: 'PARAM_INVALID' })
    const both = fileTask('both', { params: { day: param.date(), hour: param.integer() } })
    expect(refused(of(both), { params: { day: days('2001-01'), hour: '0..999' } })).toMatchObject({
      code: 'GRAPH_TOO_LARGE',
      message: expect.stringContaining('got 31000 (31 of day × 1000 of hour)'),
    })
  })
})

it('lets nodes of one output follow each other in the order of their parameters', () => {
  const appending = fileTask('appending', {
    params: { number: param.integer() },
    output: parquet({ path: 'appending', mode: 'append' }),
  })
  const { nodes } = resolveGraph(of(appending), { params: { number: [10, 9, -1] } })
  expect(nodes.map(({ params, after }) => [params.number, after])).toEqual([
    [10, 'appending(number=9)'],
    [9, 'appending(number=-1)'],
    [-1, undefined],
  ])
})
