/** Finds the path templates of targets: of a task itself, and of the external tasks that it requires. */
import type { TaskDefinition } from '../definition.ts'
import { targetOf } from '../sources/source-paths.ts'
import { hasGlob } from '../template-syntax.ts'

/**
 * Returns globs for the files that are looked at under the input root: those of each target, or all below the folder of its flag. What a
 * function of the task returns as its requirements is not known.
 */
export function targetPaths({ requires }: Pick<TaskDefinition, 'requires'>): readonly string[] {
  if (typeof requires !== 'object') return []
  const required = Object.values(requires).flatMap(all => all.map(({ task }) => task))
  return required.flatMap(task => (task.kind === 'externalTask' ? [globOf(task.target)] : []))
}

/** Returns a glob for the files that tell whether a task is done, with the root below which they are; undefined where there are none. */
export function ownTarget({ name, source }: Pick<TaskDefinition, 'name' | 'source'>) {
  const target = targetOf(source)
  return target && { root: target.root, path: globOf(target.path.replaceAll('{task}', name)) }
}

const globOf = (target: string): string =>
  hasGlob(target) || !target.includes('/') ? target : `${target.slice(0, target.lastIndexOf('/'))}/**`
