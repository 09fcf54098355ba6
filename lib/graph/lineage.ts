/** The lineage of a node: a hash of its code, its parameters, and all that it requires. The paths of salted outputs have it. */
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { isSalted } from '../define/outputs/output-kind.ts'
import { canonicalJson, shortHash } from '../model/run/identity.ts'
import type { GraphNode } from './graph.ts'

export type CodeHash = (task: TaskDefinition) => string

/** The code of a node, and its lineage; empty where no output of the pipeline is salted. */
export type Lineage = Pick<GraphNode, 'code' | 'lineage'>

/**
 * Returns a function for the lineages of nodes, each after those that it requires. What `discover` returns is not part of it, as the path
 * must be known before; its code is. @throws TypeError for a requirement that is not in the graph yet
 */
export function lineages(
  { tasks }: PipelineDefinition,
  codeHash: CodeHash,
): (node: Pick<GraphNode, 'key' | 'requires'>, place: NodePlace) => Lineage {
  if (!tasks.some(({ output }) => isSalted(output))) return () => ({})
  return ({ key, requires }, { task, nodes }) => {
    const code = codeHash(task)
    const upstream = requires.map(each => nodes.get(each)?.lineage).sort()
    if (upstream.includes(undefined)) throw new TypeError(`expected all that ${key} requires before it`)
    return { code, lineage: shortHash(canonicalJson({ node: key, code, upstream })) }
  }
}

interface NodePlace {
  readonly task: TaskDefinition
  /** Has all that the node requires. */
  readonly nodes: Pick<ReadonlyMap<string, GraphNode>, 'get'>
}

/** Refuses a pipeline with salted outputs where the hashes of its code are not known. */
export const unknownCode: CodeHash = ({ name }) => {
  throw new TypeError(`expected the hash of the code of ${name}, as an output of its pipeline is salted`)
}
