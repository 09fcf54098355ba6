/** Finds the nodes of a graph by their keys. A graph may grow by thousands of answers: each that has grown shares the index of the one before. */
import type { GraphNode, TaskGraph } from './graph.ts'

export interface NodeIndex {
  find(key: string): GraphNode | undefined
  /** Returns whether no two nodes have one output, once these are added or have replaced the nodes of their keys. */
  areApart(changed: readonly GraphNode[]): boolean
  /** The nodes that are new or changed since all were indexed, and all as they were then. */
  readonly layers: readonly [recent: Layer, all: Layer]
}

/** Nodes by key, and the keys of nodes by output. */
interface Layer {
  readonly nodes: ReadonlyMap<string, GraphNode>
  readonly writers: ReadonlyMap<string, string>
}

const indexes = new WeakMap<TaskGraph, NodeIndex>()

/** Nodes that are looked up in a layer of their own, which is copied for each graph: with more of them, all nodes are indexed again. */
const recentMax = 256

/** Lets the index of a graph serve for a grown one whose nodes are apart, and in which these are new or changed. */
export function shareIndex(graph: TaskGraph, grown: TaskGraph, changed: readonly GraphNode[]): void {
  const [recent, all] = nodeIndex(graph).layers
  const nodes = new Map(recent.nodes)
  const writers = new Map(recent.writers)
  for (const node of changed) {
    nodes.set(node.key, node)
    writers.set(node.output, node.key)
  }
  if (nodes.size <= recentMax) indexes.set(grown, indexFrom([{ nodes, writers }, all], true))
}

export function nodeIndex(graph: TaskGraph): NodeIndex {
  const known = indexes.get(graph)
  if (known) return known
  const nodes = new Map(graph.nodes.map(node => [node.key, node]))
  const writers = new Map(graph.nodes.map(({ output, key }) => [output, key]))
  const index = indexFrom([nothing, { nodes, writers }], writers.size === nodes.size)
  indexes.set(graph, index)
  return index
}

const nothing: Layer = { nodes: new Map(), writers: new Map() }

function indexFrom(layers: NodeIndex['layers'], isApart: boolean): NodeIndex {
  const [recent, all] = layers
  const writerOf = (output: string) => recent.writers.get(output) ?? all.writers.get(output)
  return {
    layers,
    find: key => recent.nodes.get(key) ?? all.nodes.get(key),
    areApart(changed) {
      const outputs = new Set(changed.map(({ output }) => output))
      return (
        isApart &&
        outputs.size === changed.length &&
        changed.every(({ output, key }) => (writerOf(output) ?? key) === key)
      )
    },
  }
}
