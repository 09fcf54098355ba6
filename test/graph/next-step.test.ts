import { describe, expect, it } from 'vitest'
import type { GraphNode, TaskGraph } from '../../lib/graph/graph.ts'
import { afterEnds, decideStep } from '../../lib/graph/next-step.ts'
import { type NodeEnd, newWalk, type Walk } from '../../lib/graph/walk-state.ts'

/** A node of each task, by what it requires. */
const graphOf = (requires: Readonly<Record<string, readonly string[]>>): TaskGraph => ({
  fanmill: 1,
  pipeline: 'p',
  requested: Object.keys(requires),
  nodes: Object.entries(requires).map(
    ([key, all]): GraphNode => ({ key, task: key, params: {}, output: key, requires: all, groups: {} }),
  ),
})

const diamond = graphOf({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] })
const pipelineOf = (options: object = {}, resources?: Readonly<Record<string, number>>) => ({
  tasks: diamond.nodes.map(({ key }) => ({ name: key, ...options })) as never,
  resources,
})
const end = (key: string, status: NodeEnd['status'] = 'complete', code?: string): NodeEnd => ({
  key,
  status,
  ...(code && { fault: { code, message: code } }),
})

/** Takes steps with these ends, and returns what each gives: keys of a wave, or its kind. */
function stepsOf(
  ends: readonly (readonly NodeEnd[])[],
  { graph = diamond, pipeline = pipelineOf() }: { graph?: TaskGraph; pipeline?: ReturnType<typeof pipelineOf> } = {},
) {
  let walk: Walk = newWalk
  const steps = [[], ...ends].map(each => {
    const next = decideStep({ pipeline, graph }, afterEnds({ pipeline, graph, walk, ends: each }))
    walk = next.walk
    return next.step.kind === 'wave' ? next.step.nodes.map(({ key }) => key).join(' ') : next.step.kind
  })
  return { steps, states: Object.fromEntries(Object.entries(walk.nodes).map(([key, { state }]) => [key, state])) }
}

describe('the steps of a walk in waves', () => {
  it('give what is ready side by side, until all is complete', () => {
    const { steps } = stepsOf([[end('a', 'skipped')], [end('b'), end('c')], [end('d')]])
    expect(steps).toEqual(['a', 'b c', 'd', 'ended'])
  })

  it('run what does not depend on a failed node, and end with what was not run', () => {
    const { steps, states } = stepsOf([[end('a')], [end('b', 'failed', 'NO_INPUT'), end('c')]])
    expect(steps).toEqual(['a', 'b c', 'ended'])
    expect(states).toEqual({ a: 'complete', b: 'failed', c: 'complete', d: 'notRun' })
  })

  it('give a failed node again as often as its retries say', () => {
    const failed = [end('a', 'failed', 'STORE_FAILED')]
    const { steps, states } = stepsOf([failed, failed, failed], { pipeline: pipelineOf({ retries: 2 }) })
    expect(steps).toEqual(['a', 'a', 'a', 'ended'])
    expect(states).toMatchObject({ a: 'failed', d: 'notRun' })
  })

  it('count a node without a record of its end as failed', () => {
    const { steps, states } = stepsOf([[]])
    expect(steps).toEqual(['a', 'ended'])
    expect(states).toMatchObject({ a: 'failed' })
  })

  it.each([
    ['superseded', end('a', 'superseded')],
    ['whose input changed', end('a', 'failed', 'INPUT_CHANGED')],
  ])('plan a node %s again once, and then it has failed', (_, changed) => {
    expect(stepsOf([[changed], [changed]]).steps).toEqual(['a', 'a', 'ended'])
    expect(stepsOf([[changed], [end('a')]]).steps).toEqual(['a', 'a', 'b c'])
  })

  it('wait where other processes work on all that could run, and look again', () => {
    const { steps } = stepsOf([[end('a', 'busy')], [], [end('a')], [end('b', 'busy'), end('c')]])
    expect(steps).toEqual(['a', 'wait', 'a', 'b c', 'wait'])
  })

  it('do not run what another execution for the same upload runs, and do not fail', () => {
    const { steps, states } = stepsOf([[end('a', 'left')]])
    expect(steps).toEqual(['a', 'ended'])
    expect(states).toEqual({ a: 'notRun', b: 'notRun', c: 'notRun', d: 'notRun' })
  })

  it('end for another execution where a node has used up its waits', () => {
    expect(stepsOf([[end('a')], [end('b', 'continued'), end('c')]]).steps).toEqual(['a', 'b c', 'continued'])
  })

  it('give as many nodes as the resources of the pipeline allow', () => {
    const pipeline = pipelineOf({ resources: { warehouse: 1 } }, { warehouse: 1 })
    expect(stepsOf([[end('a')], [end('b')], [end('c')]], { pipeline }).steps).toEqual(['a', 'b', 'c', 'd'])
  })
})
