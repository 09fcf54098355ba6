/** The grid search, compared with the same search by scikit-learn. */
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDiabetes } from '../../examples/grid/diabetes.ts'
import { type DatasetRow, openDataset, plan, run } from '../../lib/index.ts'

/*
 * Made with scikit-learn 1.9.1. With its default of 1,000 iterations, the weaker models do not converge.
 *
 *   X, y = load_diabetes(return_X_y=True, scaled=False)
 *   folds = PredefinedSplit(np.arange(len(y)) % 5)
 *   fit = lambda alpha: Lasso(alpha, fit_intercept=False, tol=1e-12, max_iter=10**7)
 *   for alpha in (0.001, 0.01, 0.1, 0.5, 1.0, 2.0):
 *       print(alpha, -cross_val_score(fit(alpha), X, y, cv=folds, scoring='neg_mean_squared_error'))
 *   best = fit(1.0).fit(X, y)
 *   print(best.coef_, mean_squared_error(y, best.predict(X)))
 */
const expectedErrors: readonly (readonly [alpha: number, ofFolds: readonly number[]])[] = [
  [0.001, [2874.3913951680825, 2671.457776143103, 3844.3017395440384, 2454.4200103982384, 3668.5499303670845]],
  [0.01, [2874.035680353272, 2671.1939386724066, 3844.360560665156, 2453.4411748730854, 3668.2809277498363]],
  [0.1, [2870.7591818431383, 2668.9015015858317, 3845.2142182590983, 2443.8252541800457, 3665.7461440279676]],
  [0.5, [2862.370628313831, 2667.5955949496406, 3849.7282268059384, 2410.614639846061, 3646.0199639603725]],
  [1, [2866.933469415282, 2677.714338477802, 3854.190827513242, 2403.5129921253265, 3626.500506797542]],
  [2, [2886.7812664101666, 2701.7119514845017, 3858.4163890861, 2398.413756213062, 3615.081172151565]],
]
const expectedCoefficients = {
  age: 0.00921205892099269,
  sex: -21.641663745465603,
  bmi: 5.407002338724567,
  bp: 0.9998321308394258,
  s1: 1.328582825280754,
  s2: -1.4380028901345245,
  s3: -2.8511248165969203,
  s4: -0.9866148157008146,
  s5: 0,
  s6: 0.08135077294952547,
}
const expectedTrainingError = 3032.8301304520332

describe('the grid example', () => {
  let folder: string
  const file = () => join(folder, 'pipeline.ts')
  const options = () => ({ input: folder, output: join(folder, 'out'), workers: 2 })
  const rows = async (task: string): Promise<DatasetRow[]> =>
    Array.fromAsync((await openDataset(join(folder, 'out', task))).rows())

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fanmill-grid-'))
    const example = join(import.meta.dirname, '../../examples/grid')
    for (const name of ['pipeline.ts', 'lasso.ts', 'diabetes.ts', 'diabetes.csv'])
      cpSync(join(example, name), join(folder, name))
    expect(await run(file(), options())).toMatchObject({
      status: 'complete',
      tasks: [{ rowsWritten: 30 }, { rowsWritten: 10 }],
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('writes the error of each strength and fold that scikit-learn finds, in the order of the grid', async () => {
    const expected = expectedErrors.flatMap(([alpha, errors]) =>
      errors.map((error, fold) => ({ model: 'lasso', alpha, fold, error: about(error) })),
    )
    expect(await rows('errors')).toEqual(expected)
  })

  it('fits the strength with the least mean error to all samples, and writes its coefficients and errors', async () => {
    const means = expectedErrors.map(([, errors]) => errors.reduce((sum, error) => sum + error, 0) / errors.length)
    const best = { alpha: 1, validation_error: about(Math.min(...means)), training_error: about(expectedTrainingError) }
    const expected = Object.entries(expectedCoefficients).map(([feature, coefficient]) => ({
      model: 'lasso',
      ...best,
      feature,
      coefficient: about(coefficient),
    }))
    expect(await rows('coefficients')).toEqual(expected)
  })

  it('is complete when run again, and fits the models again when there is another sample', async () => {
    expect(await run(file(), options())).toMatchObject({ status: 'skipped' })
    appendFileSync(join(folder, 'diabetes.csv'), '50,1,25,90,180,110,50,4,4.6,90,150\n')
    expect(await plan(file(), options())).toMatchObject({
      tasks: [
        { task: 'errors', status: 'due', reasons: [{ kind: 'input' }] },
        { task: 'coefficients', status: 'due' },
      ],
    })
  })
})

it.each([
  ['too few numbers', 'age,progression\n50,150\n51\n', 'diabetes.csv: line 3: expected 2 numbers, got 51'],
  ['a text', 'age,progression\n50,high\n', 'diabetes.csv: line 2: expected 2 numbers, got 50,high'],
  ['an empty value', 'age,progression\n,150\n', 'diabetes.csv: line 2: expected 2 numbers, got ,150'],
  ['no sample', 'age,progression\n', 'diabetes.csv: expected samples below the header, got none'],
])('refuses samples with %s', (_, text, message) => {
  expect(() => readDiabetes(text)).toThrow(message)
})

/** Matches a number that differs only in the seventh place after the point, or later. */
const about = (expected: number): number => expect.closeTo(expected, 6)
