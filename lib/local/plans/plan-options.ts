/** Collects what a run's id and its reasons are made of, besides the inputs. */
import type { Source, TaskDefinition } from '../../define/definition.ts'
import { isRead } from '../../inputs/identity/upstream-identity.ts'
import { codePartsOf } from '../../model/run/code-parts.ts'
import type { UpstreamIdentity } from '../../model/run/identity.ts'
import type { UpstreamNode } from '../../model/run/upstream-node.ts'
import type { PlanTaskOptions } from '../../process/task-runner.ts'
import type { RunOptions } from '../options/run-options.ts'

export interface IdentifiedTask {
  readonly task: TaskDefinition
  readonly upstream: readonly UpstreamNode[]
  /** Identities of what the task requires besides the rows that its source reads. */
  readonly required: readonly UpstreamIdentity[]
  /** Hash of the broadcast tables. */
  readonly tablesIdentity: string
  readonly options: Pick<RunOptions, 'force' | 'strict' | 'sample'>
}

/** Returns the options of planning a run that do not depend on the inputs that were found. */
export function planOptionsOf({
  task,
  upstream,
  required,
  tablesIdentity,
  options: { force, strict, sample },
}: IdentifiedTask): Omit<PlanTaskOptions, 'found' | 'batchBytes'> {
  const read = upstream.filter(node => isRead(task, node)).map(({ node }) => node)
  return {
    ...{ upstream: required, force },
    reads: read.length > 0 ? read.join(', ') : undefined,
    codeParts: codePartsOf(task, {
      'contents of tables': tablesIdentity,
      'options of the run': JSON.stringify([strict, sample]),
    }),
    inputNoun: inputNouns[task.source.kind] ?? 'inputs',
  }
}

/** Words for several inputs of a source, for messages. */
const inputNouns: { readonly [Kind in Source['kind']]?: string } = {
  zipMembers: 'archives',
  files: 'files',
  rowsFrom: 'partitions',
  program: 'commands',
  stateCall: 'calls',
}
