/** Reads the samples of `diabetes.csv`: ten measurements of a patient, and how far the disease has progressed a year later. */
import type { Sample } from './lasso.ts'

export interface Diabetes {
  readonly featureNames: readonly string[]
  readonly samples: readonly Sample[]
}

/**
 * Returns the samples of a CSV text with a header, in which all values are numbers and the last one is the target.
 * @throws Error with the line that has another number of values, or a value that is no number
 */
export function readDiabetes(text: string): Diabetes {
  const [header = '', ...lines] = text.trim().split(/\r?\n/)
  const names = header.split(',')
  if (lines.length === 0) throw new Error('diabetes.csv: expected samples below the header, got none')
  const samples = lines.map((line, index) => {
    const numbers = line.split(',').map(value => (value.trim() === '' ? Number.NaN : Number(value)))
    if (numbers.length !== names.length || !numbers.every(Number.isFinite))
      throw new Error(`diabetes.csv: line ${index + 2}: expected ${names.length} numbers, got ${line}`)
    return { features: numbers.slice(0, -1), target: numbers.at(-1) ?? Number.NaN }
  })
  return { featureNames: names.slice(0, -1), samples }
}
