/** The case of the example that trains a model of TensorFlow.js: 8,200 rows of 32,768 doubles in 100 partitions. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Model } from '../examples/signals/train.ts'
import { type Case, peakMemory } from './case.ts'
import { outFolder, product } from './commands.ts'
import { dataFolder } from './inputs.ts'
import type { Command } from './measure.ts'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const [windows, samples] = [82, 32_768]
const rowCount = 100 * windows
const signals = `signals/${windows}x${samples}`
/** Outside of the folder that is emptied before each measurement. */
const lake = join(dataFolder, 'lake')
const model = join(outFolder, 'model.json')

export const signalsCase: Case = {
  name: 'signals',
  title: `a dataset of ${rowCount} rows with ${samples} doubles each, 2.1 GB, in 100 partitions: written, and read by TensorFlow.js`,
  inputs: [],
  setUp: () => {
    if (existsSync(join(lake, signals, '_SUCCESS'))) return
    const [program, ...args] = write(lake)
    execFileSync(program, args)
  },
  sides: [
    { label: 'fanmill, --memory 700', command: () => write(outFolder), check: checkWritten },
    {
      label: 'examples/signals/train.ts',
      command: () => [process.execPath, at('../examples/signals/train.ts'), join(lake, signals), model],
      check: async () => checkModel(),
    },
  ],
  targets: [peakMemory('fanmill, --memory 700'), peakMemory('examples/signals/train.ts')],
}

function write(output: string): Command {
  const sizes = ['--param', `windows=${windows}`, '--param', `samples=${samples}`]
  const options = ['--output', output, '--workers', '2', '--memory', '700', '--quiet']
  return product('run', at('../examples/signals/pipeline.ts'), ...sizes, ...options)
}

/** Returns how the number of the written rows and values differs from what is expected. */
async function checkWritten(): Promise<readonly string[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const files = join(outFolder, signals, '*/*.parquet')
  const found = await connection.runAndReadAll(
    `select count(*) as n, sum(len(signal)) as values from read_parquet('${files}')`,
  )
  connection.closeSync()
  const { n, values } = found.getRowObjects()[0] ?? {}
  const isRight = Number(n) === rowCount && Number(values) === rowCount * samples
  return isRight ? [] : [`expected ${rowCount} rows of ${samples} values, got ${n} with ${values}`]
}

function checkModel(): readonly string[] {
  const { windows: read, accuracy } = JSON.parse(readFileSync(model, 'utf8')) as Model
  const isRight = read === rowCount && accuracy > 0.95
  return isRight ? [] : [`expected ${rowCount} rows and an accuracy above 0.95, got ${read} and ${accuracy}`]
}
