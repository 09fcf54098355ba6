/** Finds the path templates of the external tasks that a task requires. */
import type { TaskDefinition } from './definition.ts'
import { hasGlob } from './template-syntax.ts'

/**
 * Returns globs for the files that are looked at under the input root: those of each target, or all below the folder of its flag. What a
 * function of the params requires is not known.
 */
export function targetPaths({ requires }: Pick<TaskDefinition, 'requires'>): readonly string[] {
  if (typeof requires !== 'object') return []
  const required = Object.values(requires).flatMap(all => all.map(({ task }) => task))
  return required.flatMap(task => (task.kind === 'externalTask' ? [globOf(task.target)] : []))
}

const globOf = (target: string): string =>
  hasGlob(target) || !target.includes('/') ? target : `${target.slice(0, target.lastIndexOf('/'))}/**`
