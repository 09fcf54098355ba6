/** The cases that bring rows of one key together, against one process of the engine over the same files. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Case, peakMemory, timesAsLong } from './case.ts'
import { outFolder, product } from './commands.ts'
import { dataFolder } from './inputs.ts'
import { checkSales, engineAlone, generateSales, type SalesTask } from './sales.ts'

export const keyedCases: readonly Case[] = [
  reduceCase('reduce-few', 'shops', '1,000 keys', 1.5),
  reduceCase('reduce-many', 'customers', '10 million keys', 2.5),
]

function reduceCase(name: string, task: SalesTask, keys: string, atMost: number): Case {
  return {
    name,
    title: `reduce of 20 million rows of Parquet by ${keys}, against the engine alone with 2 threads`,
    inputs: [],
    setUp: generateSales,
    sides: [
      {
        label: 'fanmill',
        command: () => runSales(task, '--memory', '700'),
        check: () => checkSales(join(outFolder, task, '**/*.parquet'), task),
      },
      {
        label: 'duckdb',
        command: () => engineAlone(task),
        check: () => checkSales(join(outFolder, 'all.parquet'), task),
      },
    ],
    targets: [timesAsLong('fanmill', 'duckdb', ['at most', atMost]), peakMemory('fanmill')],
  }
}

/** Runs one task of `pipelines/sales.ts`. */
function runSales(task: string, ...flags: string[]) {
  const pipeline = fileURLToPath(new URL('pipelines/sales.ts', import.meta.url))
  return product(
    'run',
    pipeline,
    task,
    '--input',
    dataFolder,
    '--output',
    outFolder,
    '--workers',
    '2',
    '--quiet',
    ...flags,
  )
}
