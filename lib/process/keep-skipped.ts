/** Lists the members that a batch skipped: the first in its outcome, all of them in a file of the state. */
import {
  type SkippedMember,
  type SkippedMembers,
  skippedFile,
  skippedShownMax,
} from '../model/outcome/skipped-member.ts'
import type { RunName } from '../model/run/identity.ts'
import { runKeys } from '../state/state.ts'
import type { ProcessTools } from './process-tools.ts'

/** Returns undefined where no member was skipped. */
export async function keepSkipped(
  run: RunName,
  batch: number,
  skipped: readonly SkippedMember[],
  { output, token }: Pick<ProcessTools, 'output' | 'token'>,
): Promise<SkippedMembers | undefined> {
  if (skipped.length === 0) return undefined
  const first = skipped.slice(0, skippedShownMax)
  if (first.length === skipped.length) return { count: skipped.length, first, files: [] }
  const key = runKeys(run).skipped(`${batch}-${token}`)
  await output.write(key, skippedFile(skipped))
  return { count: skipped.length, first, files: [key] }
}
