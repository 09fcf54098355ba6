/** A grid search: 30 models of six strengths and five folds are fitted in parallel; the best strength is fitted to all samples. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { column, first, items, mean, min, parquet, partitionsOf, pipeline, type SetupContext, task } from 'fanmill'
import { readDiabetes } from './diabetes.ts'
import { fitLasso, meanSquaredError } from './lasso.ts'

/** The samples. A deployment ships them with `include: ['diabetes.csv']`. */
const file = 'diabetes.csv'
const alphas = [0.001, 0.01, 0.1, 0.5, 1, 2]
const foldCount = 5

/** Each worker reads the samples once. */
const setup = (context: SetupContext<unknown>) => readDiabetes(context.file(file).text())

/** One row for each strength and fold: the error on the samples of the fold, of a model that is fitted to the others. */
export const errors = task({
  name: 'errors',
  // Fitting computes and does not wait, so that a worker fits one model after another.
  source: items(modelsToFit, errorOfModel, { concurrency: 1 }),
  columns: {
    model: column.string({ required: true }),
    alpha: column.float64({ required: true }),
    fold: column.int32({ required: true }),
    error: column.float64({ required: true }),
  },
  setup,
  output: parquet({ path: '{task}' }),
})

/** One row for each feature: its coefficient in the best model, with the errors of that model. */
export const coefficients = task({
  name: 'coefficients',
  source: partitionsOf(errors, { columns: ['model', 'alpha', 'error'] }),
  setup,
  output: parquet({ path: '{task}' }),
})
  .reduce({ by: ['model', 'alpha'], measures: { error: mean('error') } })
  // All rows have one model: of its strengths, the one with the least mean error is kept.
  .reduce({
    by: ['model'],
    measures: { alpha: first('alpha', { orderBy: ['error'] }), validation_error: min('error') },
  })
  .mapRows(
    ({ alpha }, { state: { featureNames, samples } }) => {
      const fitted = fitLasso(samples, alpha ?? Number.NaN)
      const training_error = meanSquaredError(samples, fitted)
      return featureNames.map((feature, index) => ({ feature, coefficient: fitted[index] ?? 0, training_error }))
    },
    { adds: { feature: column.string(), coefficient: column.float64(), training_error: column.float64() } },
  )

export default pipeline({ name: 'grid', tasks: [errors, coefficients] })

/** Lists the models. Each has the hash of the samples, so that other samples are other models, which are fitted again. */
function modelsToFit() {
  const data = createHash('sha256')
    .update(readFileSync(new URL(file, import.meta.url)))
    .digest('hex')
  return alphas.flatMap(alpha => Array.from({ length: foldCount }, (_, fold) => ({ alpha, fold, data })))
}

/** Samples are dealt to the folds in turn: the first to fold 0, the second to fold 1. */
function errorOfModel(
  { alpha, fold }: { alpha: number; fold: number },
  { state }: { state: ReturnType<typeof setup> },
) {
  const isHeldOut = (_: unknown, index: number): boolean => index % foldCount === fold
  const fitted = fitLasso(
    state.samples.filter((sample, index) => !isHeldOut(sample, index)),
    alpha,
  )
  return { model: 'lasso', alpha, fold, error: meanSquaredError(state.samples.filter(isHeldOut), fitted) }
}
