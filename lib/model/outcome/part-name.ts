/** The names of parts, which say the run that wrote them. */
import { partEnding } from '../../define/outputs/output-kind.ts'
import type { RunName } from '../run/identity.ts'

/** Returns the name of a part, unique among batches, runs and attempts. */
export const partName = (batch: number, index: number, run: RunName): string => `part-${batch}-${index}${endOf(run)}`

/** Returns whether a part's key is of this attempt. */
export const isPartOf = (key: string, run: RunName): boolean => key.endsWith(endOf(run))

/** Returns the name of a part whose place among the others counts: names sort as parts do. */
export const sortedPartName = (batch: number, index: number, run: RunName): string =>
  `part-${numberText(batch)}-${numberText(index)}${endOf(run)}`

const numberText = (number: number): string => String(number).padStart(6, '0')

/** Returns the attempt that a part's key names; undefined for other keys. */
export function runOfPart(key: string): RunName | undefined {
  if (!key.endsWith(partEnding)) return undefined
  const [, runId, attempt] = /-([0-9a-f]{16})-(\d+)$/.exec(key.slice(0, -partEnding.length)) ?? []
  return runId === undefined ? undefined : { runId, attempt: Number(attempt) }
}

const endOf = ({ runId, attempt }: RunName): string => `-${runId}-${attempt}${partEnding}`
