/** Fits a linear model with the Lasso: few coefficients that are not 0. */

/** One sample: what is known, and the value that a model predicts from it. */
export interface Sample {
  readonly features: readonly number[]
  readonly target: number
}

/**
 * Returns the coefficients w that minimise `|y - Xw|² / 2n + alpha |w|₁`, by coordinate descent. There is no intercept, and features
 * are used as they are.
 * @throws Error when the coefficients still change after a million sweeps
 */
export function fitLasso(samples: readonly Sample[], alpha: number): readonly number[] {
  const features = samples[0]?.features.map((_, index) => samples.map(sample => sample.features[index] ?? 0)) ?? []
  const targets = samples.map(({ target }) => target)
  // A sweep needs only the products of the features, not the samples.
  const products = features.map(one => features.map(other => meanProduct(one, other)))
  const correlations = features.map(one => meanProduct(one, targets))
  const coefficients = features.map(() => 0)
  for (let sweep = 0; sweep < sweepsMax; sweep++) {
    const change = improve(coefficients, products, correlations, alpha)
    if (change <= tolerance * Math.max(0, ...coefficients.map(Math.abs))) return coefficients
  }
  throw new Error(`alpha ${alpha}: the coefficients still change after ${sweepsMax} sweeps; scale the features`)
}

/** Returns the mean of the squared differences between targets and predictions. */
export function meanSquaredError(samples: readonly Sample[], coefficients: readonly number[]): number {
  const squares = samples.map(({ features, target }) => (target - dot(features, coefficients)) ** 2)
  return squares.reduce((sum, square) => sum + square, 0) / samples.length
}

/** Features of very different sizes, such as those of the example, need about 12,000 sweeps. */
const sweepsMax = 1_000_000
/** The greatest change in the last sweep, relative to the greatest coefficient. */
const tolerance = 1e-12

/** Sets each coefficient to its best value given the others, and returns the greatest change. */
function improve(
  coefficients: number[],
  products: readonly (readonly number[])[],
  correlations: readonly number[],
  alpha: number,
): number {
  let greatest = 0
  for (const [index, row] of products.entries()) {
    const before = coefficients[index] ?? 0
    const square = row[index] ?? 0
    const unexplained = (correlations[index] ?? 0) - dot(row, coefficients) + square * before
    const after = square === 0 ? 0 : shrink(unexplained, alpha) / square
    coefficients[index] = after
    greatest = Math.max(greatest, Math.abs(after - before))
  }
  return greatest
}

/** Moves a number towards 0 by `amount`, at most to 0. */
const shrink = (value: number, amount: number): number => Math.sign(value) * Math.max(Math.abs(value) - amount, 0)

const dot = (left: readonly number[], right: readonly number[]): number =>
  left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0)

const meanProduct = (left: readonly number[], right: readonly number[]): number => dot(left, right) / left.length
