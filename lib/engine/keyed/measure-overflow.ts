/** Names the measures that the engine's error of an overflow may be about: the engine names none. */
import type { Measure } from '../../define/steps/exchange-definition.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import type { CheckedTransform } from '../transform/transform.ts'
import { stateName } from './measure-sql.ts'

/** Says what was expected of a variance, what came, and what to do. */
export const varianceAdvice =
  'expected a variance that a float64 holds, got one beyond 1.8e308; divide its column by a constant in a step before'

const overflows: readonly { words: RegExp; measures: readonly Measure['kind'][]; advice: string }[] = [
  { words: /VARPOP is out of range/, measures: ['variance', 'stddev'], advice: varianceAdvice },
  {
    words: /Overflow in U?HUGEINT|Could not cast value -?\d+ to DECIMAL\(38,0\)/,
    measures: ['sum', 'mean'],
    advice: 'expected a sum of at most 38 digits, got a larger one; cast its column to double in a step before',
  },
]

/** Returns the text of an overflow with the measures that may be its cause; undefined where there is none. */
export function overflowIn({ steps }: CheckedTransform, words: string): string | undefined {
  const { measures = [], advice } = overflows.find(each => each.words.test(words)) ?? {}
  const names = steps.flatMap(({ step, given }) => {
    if (step.kind !== 'aggregate') return []
    const isMeant = ([, measure]: [string, Measure], index: number): boolean =>
      measures.includes(measure.kind) && !(measures.includes('sum') && sumsFloats(measure, index, given))
    return Object.entries(step.measures)
      .filter(isMeant)
      .map(([name]) => name)
  })
  return names.length === 0 ? undefined : `measure ${names.join(' or ')}: ${advice}`
}

/** Whether a measure adds up floats, by its column or its state: such a sum becomes infinite, and does not fail. */
function sumsFloats({ column }: Measure, index: number, given: readonly EngineColumn[]): boolean {
  const read = given.find(({ name }) => name === column || name === stateName(index, 's'))
  return /^(FLOAT|DOUBLE)$/.test(String(read?.type))
}
