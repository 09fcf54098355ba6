/** Decides how many threads the engines of a task have on this machine. */
import type { TaskDefinition } from '../define/definition.ts'
import { sourceRoot } from '../define/sources/source-paths.ts'
import type { BegunTask } from './task-context.ts'

type Place = Pick<BegunTask, 'session' | 'isAlone'>

/**
 * Returns the threads of the engines of a stage: as many as there are workers where the engine does all of its work, else 1. One thread of
 * Fanmill with such an engine starts sooner than several with an engine each, and what these would make need not be joined.
 */
export const engineThreadsOf = (place: Place, stage: TaskDefinition): number =>
  isEngineAlone(place, stage) ? place.session.workers : 1

/** Returns the bytes of text that a stage stages at once for one engine. */
export const groupBytesOf = (place: Place, stage: TaskDefinition): number =>
  place.session.groupBytes * engineThreadsOf(place, stage)

/** Returns whether the engine opens Parquet files where they are, and makes few rows of many, in whatever order. */
export function isEngineAlone(
  { session, isAlone }: Place,
  { source, transform, output, provenance }: TaskDefinition,
): boolean {
  const isCombined = output.kind === 'exchange' && output.combine !== undefined
  // Members of archives are inflated by the threads.
  const isFile = source.kind !== 'exchange' && source.kind !== 'zipMembers'
  const isParquet = isFile && source.format?.kind === 'parquet'
  const isHere = session[`${sourceRoot(source)}Spec`].kind === 'disk'
  const isSql = transform.every(step => typeof step !== 'function' && !('map' in step))
  return isAlone && session.workers > 1 && isCombined && isParquet && isHere && isSql && provenance.length === 0
}
