/** Measures the figures of AWS: `node bench/aws.ts [--only s3,lambda,lambda-million,cost]`. */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { costCase } from './aws-cost.ts'
import { lambdaCase } from './aws-lambda.ts'
import { lambdaMillionCase } from './aws-million.ts'
import { s3Case } from './aws-s3.ts'
import { type FigureCase, keepFigures } from './figures.ts'

export const figureCases: readonly FigureCase[] = [s3Case, lambdaCase, lambdaMillionCase, costCase]

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values
  const wanted = only?.split(',') ?? figureCases.map(({ name }) => name)
  for (const each of figureCases.filter(({ name }) => wanted.includes(name))) await keepFigures(each)
}
