/**
 * Trains a model in TensorFlow.js on a dataset of Fanmill that need not fit into memory:
 *
 *     node examples/signals/train.ts out/signals/82x32768 model.json
 */
import { writeFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { type Dataset, generator } from '@tensorflow/tfjs-data'
import { openDataset } from 'fanmill'

type Windows = { readonly signal: tf.Tensor; readonly worn: tf.Tensor }

/** The rows of `pipeline.ts` as a dataset of TensorFlow.js. Memory: a row group of a part, and a batch. */
export async function signalsOf(folder: string): Promise<Dataset<Windows>> {
  const dataset = await openDataset(folder)
  return generator<Windows>(async function* () {
    for await (const { columns, rowCount } of dataset.batches({ columns: ['signal', 'worn'] }))
      for (let row = 0; row < rowCount; row++) {
        // TensorFlow.js has floats of 32 bits.
        const signal = new Float32Array(columns.signal?.[row] as Float64Array)
        yield { signal: tf.tensor1d(signal), worn: tf.scalar(columns.worn?.[row] ? 1 : 0) }
      }
  })
}

export interface Model {
  readonly weight: number
  readonly bias: number
  /** Windows that were read. */
  readonly windows: number
  /** Those of the second half that were recognized before they were learned, as a share. */
  readonly accuracy: number
}

/** Fits a logistic regression by stochastic gradient descent, in one pass over the windows. */
export async function train(folder: string): Promise<Model> {
  await tf.setBackend('cpu')
  let [weight, bias] = [0, 0]
  const recognized: boolean[] = []
  const features = (await signalsOf(folder)).map(({ signal, worn }) => ({ roughness: roughness(signal), worn }))
  const batches = features.batch(16) as Dataset<{ roughness: tf.Tensor; worn: tf.Tensor }>
  await batches.forEachAsync(batch => {
    const [roughness, worn] = [batch.roughness.dataSync(), batch.worn.dataSync()]
    tf.dispose(batch)
    roughness.forEach((feature, at) => {
      const guess = 1 / (1 + Math.exp(-(weight * feature + bias)))
      recognized.push(guess > 0.5 === (worn[at] === 1))
      const error = (worn[at] ?? 0) - guess
      weight += learningRate * error * feature
      bias += learningRate * error
    })
  })
  const later = recognized.slice(recognized.length / 2)
  const accuracy = later.filter(isRight => isRight).length / later.length
  return { weight, bias, windows: recognized.length, accuracy }
}

const learningRate = 0.5

/** How much neighbouring samples differ, as a logarithm: a worn bearing adds a high tone. */
function roughness(signal: tf.Tensor): tf.Tensor {
  const steps = tf.sub(tf.slice(signal, 1), tf.slice(signal, 0, signal.size - 1))
  return tf.log(tf.div(tf.mean(tf.square(steps)), tf.mean(tf.square(signal))))
}

if (process.argv[1] === import.meta.filename) {
  const [folder = 'out/signals/82x32768', file] = process.argv.slice(2)
  const model = await train(folder)
  console.log(model)
  if (file !== undefined) writeFileSync(file, JSON.stringify(model))
}
