import { expect, it } from 'vitest'
import { fitResources } from '../../lib/graph/fit-resources.ts'
import type { GraphNode, TaskGraph } from '../../lib/graph/graph.ts'
import { lostNodes, readyNodes } from '../../lib/graph/node-states.ts'

const node = (key: string, requires: readonly string[] = [], more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ key, task: key, params: {}, output: key, requires, groups: {} },
  ...more,
})
const graphOf = (...nodes: GraphNode[]): TaskGraph => ({ fanmill: 1, pipeline: 'p', requested: [], nodes })
const keys = (nodes: readonly GraphNode[]) => nodes.map(({ key }) => key)

const diamond = graphOf(node('a'), node('b', ['a']), node('c', ['a']), node('d', ['b', 'c']), node('e'))

it('gives the nodes whose requirements are complete, or were already', () => {
  expect(keys(readyNodes(diamond, {}))).toEqual(['a', 'e'])
  expect(keys(readyNodes(diamond, { a: 'complete', e: 'running' }))).toEqual(['b', 'c'])
  expect(keys(readyNodes(diamond, { a: 'skipped', b: 'complete', c: 'busy', e: 'complete' }))).toEqual([])
  expect(keys(readyNodes(diamond, { a: 'skipped', b: 'complete', c: 'skipped', e: 'complete' }))).toEqual(['d'])
})

it('loses what depends on a failed node, and nothing else', () => {
  expect(keys(lostNodes(diamond, { a: 'complete', b: 'failed', c: 'running' }))).toEqual(['d'])
  expect(keys(lostNodes(diamond, { a: 'failed' }))).toEqual(['b', 'c', 'd'])
  expect(keys(lostNodes(diamond, { a: 'failed', b: 'notRun', c: 'notRun', d: 'notRun' }))).toEqual([])
})

it('gives nodes of one output one after another, also after one that failed', () => {
  const shared = graphOf(node('1'), node('2', [], { after: '1' }), node('3', [], { after: '2' }))
  expect(keys(readyNodes(shared, {}))).toEqual(['1'])
  expect(keys(readyNodes(shared, { 1: 'running' }))).toEqual([])
  expect(keys(readyNodes(shared, { 1: 'busy' }))).toEqual([])
  expect(keys(readyNodes(shared, { 1: 'failed' }))).toEqual(['2'])
  expect(keys(readyNodes(shared, { 1: 'failed', 2: 'notRun' }))).toEqual(['3'])
})

it('runs no more nodes at once than resources allow', () => {
  const tasks = [
    { name: 'small', resources: { warehouse: 1 } },
    { name: 'large', resources: { warehouse: 2, licence: 1 } },
    { name: 'free' },
  ] as never
  const pipeline = { tasks, resources: { warehouse: 3, licence: 1 } }
  const all = ['small', 'large', 'large', 'small', 'free'].map((task, at) => node(`${task}${at}`, [], { task }))
  expect(keys(fitResources(pipeline, { ready: all, running: [] }))).toEqual(['small0', 'large1', 'free4'])
  expect(keys(fitResources(pipeline, { ready: all, running: all.slice(1, 2) }))).toEqual(['small0', 'free4'])
  expect(keys(fitResources(pipeline, { ready: all, running: [] }).slice(0, 1))).toEqual(['small0'])
})
