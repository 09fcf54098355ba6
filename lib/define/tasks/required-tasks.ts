/** Finds the tasks of sources that name them by a key of `requires`. */
import { nearestOrAll } from '../../errors/nearest.ts'
import { invalid } from '../check.ts'
import type { PartitionsOfSource, Source } from '../definition.ts'
import { frozen } from '../freeze.ts'
import { withSides } from '../sources/join-of.ts'
import { datasetWithParams } from '../sources/partitions-of.ts'
import type { GraphFields, Requirable } from './requirement-definition.ts'

type Requires = GraphFields['requires']

/** Returns the source of a task with the tasks that it reads by key. @throws DEFINITION_INVALID for a key that `requires` does not have */
export function withRequiredTasks(subject: string, source: Source, requires: Requires): Source {
  if (source.kind === 'partitionsOf') return withTask(subject, source, requires)
  if (source.kind !== 'joinOf') return source
  const [left, right] = [source.left, source.right].map(side => withTask(subject, side, requires)) as [
    PartitionsOfSource,
    PartitionsOfSource,
  ]
  return left === source.left && right === source.right ? source : withSides(source, { left, right })
}

function withTask(subject: string, source: PartitionsOfSource, requires: Requires): PartitionsOfSource {
  const { key, params } = source
  if (key === undefined) return source
  const where = `${subject}: partitionsOf('${key}')`
  const task = taskUnder(key, where, requires)
  if (task.kind === 'externalTask')
    throw invalid(where, `expected a task of the pipeline under ${key} of requires, got the external task ${task.name}`)
  return frozen({ ...source, of: datasetWithParams(where, task, params) })
}

function taskUnder(key: string, where: string, requires: Requires): Requirable {
  if (typeof requires === 'function')
    throw invalid(
      where,
      'expected requires by name, got a function, which is called only in a run; name the task itself',
    )
  const named = Object.keys(requires ?? {})
  const tasks = requires?.[key]?.map(({ task }) => task)
  if (!tasks) {
    const advice = named.length > 0 ? nearestOrAll(key, named) : `add it: requires: { ${key}: … }`
    throw invalid(where, `expected a key of requires, got ${key}; ${advice}`)
  }
  const [first, ...others] = tasks
  if (!first) throw invalid(where, `expected a task under ${key} of requires, got an empty list`)
  const other = others.find(({ name }) => name !== first.name)
  if (other)
    throw invalid(
      where,
      `expected one task under ${key} of requires, got ${first.name} and ${other.name}; give each a key`,
    )
  return first
}
