/** Graphs that grow while they are walked. */
import { describe, expect, it } from 'vitest'
import {
  months,
  type PipelineDefinition,
  param,
  parquet,
  pipeline,
  type TaskDefinition,
} from '../../lib/define/index.ts'
import { answerFrom, expandGraph, needsDiscovery } from '../../lib/graph/discovered-nodes.ts'
import type { TaskGraph } from '../../lib/graph/graph.ts'
import { type NodeStates, readyNodes } from '../../lib/graph/node-states.ts'
import { resolveGraph } from '../../lib/graph/resolve-graph.ts'
import { fileTask } from './graphs.ts'

const unused = { discover: async () => [] } as const
const list = fileTask('list')
const flights = fileTask('flights', { params: { month: param.month() } })
const delays = fileTask('delays', { requires: flights })
const report = fileTask('report', { requires: list, ...unused })
const of = (...tasks: TaskDefinition[]): PipelineDefinition => pipeline({ name: 'p', tasks })

/** Expands the graph of a pipeline by what a node returned. */
function grow(
  definition: PipelineDefinition,
  graph: TaskGraph,
  key: string,
  returned: unknown,
  states: NodeStates = {},
) {
  const node = graph.nodes.find(each => each.key === key)
  if (!node) throw new Error(`expected ${key}`)
  const answer = answerFrom(definition, { graph, node, returned })
  return expandGraph(definition, graph, { key, answer, states })
}

const keysOf = ({ nodes }: TaskGraph) => nodes.map(({ key }) => key)

describe('a node that has found out what it requires', () => {
  const definition = of(list, flights, delays, report)
  const graph = resolveGraph(definition, { tasks: ['report'] })

  it('stands after that, with all that it requires in turn, and is no longer asked', () => {
    expect(graph.nodes.map(needsDiscovery)).toEqual([false, true])
    const grown = grow(definition, graph, 'report', { late: delays.each({ month: months(2001).slice(0, 2) }) })
    expect(keysOf(grown)).toEqual([
      ...['list', 'flights(month=2001-01)', 'delays(month=2001-01)'],
      ...['flights(month=2001-02)', 'delays(month=2001-02)', 'report'],
    ])
    expect(grown.nodes.at(-1)).toMatchObject({
      requires: ['list', 'delays(month=2001-01)', 'delays(month=2001-02)'],
      groups: { list: ['list'], late: ['delays(month=2001-01)', 'delays(month=2001-02)'] },
      isDiscovered: true,
    })
    expect(grown.nodes.some(needsDiscovery)).toBe(false)
    expect(grown.requested).toEqual(graph.requested)
  })

  it('moves behind a node that stood after it', () => {
    const both = resolveGraph(definition, { tasks: ['report', 'flights'], params: { month: '2001-01' } })
    expect(keysOf(both)).toEqual(['list', 'report', 'flights(month=2001-01)'])
    expect(keysOf(grow(definition, both, 'report', flights.withParams({ month: '2001-01' })))).toEqual([
      ...['list', 'flights(month=2001-01)', 'report'],
    ])
  })

  it('requires external files that are no nodes', () => {
    const external = { kind: 'externalTask', name: 'rates', params: {}, target: 'rates/_SUCCESS' } as const
    const grown = grow(definition, graph, 'report', Object.freeze(external))
    expect(grown.nodes.at(-1)).toMatchObject({ targets: [{ node: 'rates', path: 'rates/_SUCCESS', isGlob: false }] })
  })

  it.each([
    ['PARAM_UNBOUND', flights, 'top → report → flights: param month: expected a value'],
    ['DEFINITION_INVALID', fileTask('other'), 'expected other, which report requires, among the tasks'],
    ['DEFINITION_INVALID', 'flights', 'top → report: discover: expected a task, tasks in a list'],
  ])('is refused with %s and the path through the graph', (code, returned, message) => {
    const all = of(list, flights, report, fileTask('top', { requires: report }))
    const above = resolveGraph(all, { tasks: ['top'] })
    expect(() => grow(all, above, 'report', returned)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })

  it('is refused with GRAPH_CYCLE when something that it requires waits for it, also by way of others', () => {
    const top = fileTask('top', { requires: report })
    const all = of(list, report, top, fileTask('roof', { requires: top }))
    const above = resolveGraph(all, { tasks: ['roof'] })
    for (const [returned, round] of [
      [top, 'report → top → report'],
      [all.tasks[3], 'report → roof → top → report'],
      [report, 'report → report'],
    ])
      expect(() => grow(all, above, 'report', returned)).toThrow(
        expect.objectContaining({ code: 'GRAPH_CYCLE', message: expect.stringMatching(new RegExp(`got ${round}$`)) }),
      )
  })

  it('is refused with OUTPUT_AMBIGUOUS when it would let two tasks write one path', () => {
    const rival = fileTask('rival', { output: parquet({ path: 'list/{salt}' }) })
    const all = of(list, report, rival)
    // Paths with a salt differ by task, so that only equal ones meet.
    const same = fileTask('same', { output: parquet({ path: 'one' }) })
    const twin = fileTask('twin', { output: parquet({ path: 'one' }) })
    const tasks = [list, report, same, twin]
    expect(keysOf(grow(all, resolveGraph(all, { tasks: ['report'] }), 'report', rival))).toContain('rival')
    const unchecked = { ...all, tasks } as PipelineDefinition
    const both = resolveGraph(unchecked, { tasks: ['report', 'same'] })
    expect(() => grow(unchecked, both, 'report', twin)).toThrow(expect.objectContaining({ code: 'OUTPUT_AMBIGUOUS' }))
  })

  it('lets new nodes of an output that is being written wait, whatever the order of their parameters', () => {
    const sales = fileTask('sales', {
      params: { month: param.month() },
      output: parquet({ path: 'sales', mode: 'append' }),
      provenance: [],
    })
    const all = of(list, sales, report)
    const begun = resolveGraph(all, { tasks: ['report', 'sales'], params: { month: '2001-02..2001-03' } })
    const states: NodeStates = { list: 'complete', 'sales(month=2001-02)': 'running' }
    const grown = grow(all, begun, 'report', sales.withParams({ month: '2001-01' }), states)
    expect(grown.nodes.find(({ key }) => key === 'sales(month=2001-01)')).toMatchObject({
      after: 'sales(month=2001-02)',
    })
    expect(readyNodes(grown, states)).toEqual([])
    const later: NodeStates = { ...states, 'sales(month=2001-02)': 'complete' }
    expect(readyNodes(grown, later).map(({ key }) => key)).toEqual(['sales(month=2001-01)'])
  })
})
