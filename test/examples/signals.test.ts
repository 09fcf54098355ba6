/** The example that trains a model of TensorFlow.js on a dataset, at a small size; `npm run bench -- --only signals` runs it at 2 GB. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { signalsOf, train } from '../../examples/signals/train.ts'
import { openDataset, run } from '../../lib/index.ts'

it('feeds a dataset of TensorFlow.js with a list of doubles in each row, from 100 partitions', async () => {
  const output = mkdtempSync(join(tmpdir(), 'fanmill-signals-'))
  const pipeline = join(import.meta.dirname, '../../examples/signals/pipeline.ts')
  const params = { windows: '4', samples: '128' }
  expect(await run(pipeline, { output, params, workers: 2 })).toMatchObject({ status: 'complete' })
  const folder = join(output, 'signals/4x128')

  const dataset = await openDataset(folder)
  expect(new Set(dataset.parts.map(part => part.partition?.machine)).size).toBe(100)
  const rows = await Array.fromAsync(dataset.rows({ columns: ['signal', 'worn'] }))
  const fed: { signal: number[]; worn: boolean }[] = []
  await (await signalsOf(folder)).forEachAsync(({ signal, worn }) => {
    fed.push({ signal: Array.from(signal.dataSync()), worn: worn.dataSync()[0] === 1 })
    tf.dispose([signal, worn])
  })
  const expected = rows.map(({ signal, worn }) => ({ signal: Array.from(Float32Array.from(signal as number[])), worn }))
  expect(fed).toEqual(expected)
  expect(fed).toHaveLength(400)

  const model = await train(folder)
  expect(model.windows).toBe(400)
  expect(model.accuracy).toBeGreaterThan(0.95)
  // Every batch gives its memory back.
  expect(tf.memory().numTensors).toBeLessThan(12)
})
