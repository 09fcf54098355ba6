/** The cases that bring rows of one key together, against one process of the engine over the same files. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Case, cpuAsMuch, peakMemory, type Side, timesAsLong } from './case.ts'
import { outFolder, peer, product } from './commands.ts'
import { dataFolder } from './inputs.ts'
import { joinPeers } from './join-peers.ts'
import { checkJoined, generateJoins, generateKept, joinAlone, joinRows, joinsFolder, runJoins } from './joins.ts'
import { checkSales, engineAlone, generateSales, type SalesTask, salesFolder } from './sales.ts'
import { checkUniqueKeys, generateUniqueKeys, uniqueKeysAlone } from './unique-keys.ts'

const peersNote =
  'With `--peers`: polars streams; dask has two processes and floats in place of decimals, whose sums are not compared; spark is `local[2]`.'

/** CPU time of the case by part, as it was measured on 2026-11-29. */
const fewPhases =
  "CPU seconds by part on this machine, medians of 5 to 11 runs at a load of about 20, before the heaps of threads began large: 0.92 for a run over two files of 1,000 rows (0.62 with one worker), where Node and DuckDB alone take 0.25; 0.25 for the hash that identifies 713 MB of input, of which reading is 0.15; 1.0 for the engine's queries, as much as DuckDB's own. A second run over unchanged files (`--force`), which keeps the hash and the bundle, took 2.17 where the first took 2.60. So the start and the hash, not the rows, are what is above 1.5 ×: the two would have to take 0.65 together. Tried: hashing by synchronous reads, 0.18 instead of 0.25 (not kept: the thread would answer nothing meanwhile); larger pieces for the hash, no difference. At a load of 20 the times say little: both sides mostly wait for a CPU. At a load of 6 a few hours earlier, before these changes, the time was 2.87 × and the CPU seconds 2.91 ×."

export const keyedCases: readonly Case[] = [
  { ...reduceCase('reduce-few', 'shops', '1,000 keys', 1.5), note: `${peersNote}\n\n${fewPhases}` },
  reduceCase('reduce-many', 'customers', '10 million keys', 2.5),
  {
    name: 'reduce-unique',
    title: 'reduce of 50 million rows of Parquet by as many keys, against the engine alone with 2 threads',
    inputs: [],
    setUp: generateUniqueKeys,
    sides: [
      {
        label: 'fanmill',
        command: () => runKeyed('keys', 'ids', '--memory', '700'),
        check: () => checkUniqueKeys(join(outFolder, 'ids/*.parquet')),
      },
      { label: 'duckdb', command: uniqueKeysAlone, check: () => checkUniqueKeys(join(outFolder, 'all.parquet')) },
    ],
    targets: [
      timesAsLong('fanmill', 'duckdb', ['given', 2.5]),
      cpuAsMuch('fanmill', 'duckdb', ['given', 2.5]),
      peakMemory('fanmill'),
    ],
  },
  {
    name: 'join',
    title: `join of ${joinRows / 1e6} million rows with as many, against the engine alone with 2 threads over the same files`,
    inputs: [],
    setUp: generateJoins,
    sides: [
      {
        label: 'fanmill',
        command: () => runJoins('joined', outFolder, '--memory', '700'),
        check: () => checkJoined(join(outFolder, 'joined/*.parquet')),
      },
      { label: 'duckdb', command: joinAlone, check: () => checkJoined(join(outFolder, 'all.parquet')) },
    ],
    peers: joinPeers,
    note: "With `--peers`: polars streams; dask has two threads; spark is `local[2]` with a heap of 2 GB.\n\nWith joins of 256 MB at once, which is more than an engine's memory, the first measurement at full size took 56.3 CPU seconds (DuckDB 19.3) and 851 MB; co-bucketed, 32.0 (19.9) and 675 MB.",
    targets: [
      timesAsLong('fanmill', 'duckdb', ['at most', 3]),
      cpuAsMuch('fanmill', 'duckdb', ['at most', 3]),
      peakMemory('fanmill'),
    ],
  },
  {
    name: 'co-bucketed',
    title: `join of ${joinRows / 1e6} million rows with as many, both kept by the key, against the engine alone with 2 threads over the same files`,
    inputs: [],
    setUp: generateKept,
    sides: [
      {
        label: 'fanmill',
        // The datasets of both sides are below the root of outputs, and so is the result, which is written again.
        command: () => runJoins('co-bucketed', joinsFolder, '--memory', '700', '--force'),
        check: () => checkJoined(join(joinsFolder, 'co-bucketed/*.parquet')),
      },
      {
        label: 'duckdb',
        command: () => joinAlone('orders-kept', 'payments-kept'),
        check: () => checkJoined(join(outFolder, 'all.parquet')),
      },
    ],
    targets: [
      timesAsLong('fanmill', 'duckdb', ['at most', 1.5]),
      cpuAsMuch('fanmill', 'duckdb', ['at most', 1.5]),
      peakMemory('fanmill'),
    ],
  },
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
        command: () => runKeyed('sales', task, '--memory', '700'),
        check: () => checkSales(join(outFolder, task, '**/*.parquet'), task),
      },
      {
        label: 'duckdb',
        command: () => engineAlone(task),
        check: () => checkSales(join(outFolder, 'all.parquet'), task),
      },
    ],
    peers: (['polars', 'dask', 'spark'] as const).map(tool => sumsBy(tool, task)),
    note: peersNote,
    targets: [
      timesAsLong('fanmill', 'duckdb', ['at most', atMost]),
      cpuAsMuch('fanmill', 'duckdb', ['at most', atMost]),
      peakMemory('fanmill'),
    ],
  }
}

/** Returns a tool of Python over the same files. */
function sumsBy(tool: 'polars' | 'dask' | 'spark', task: SalesTask): Side {
  const command = () => peer(`${tool}_${task}`, salesFolder)
  if (tool === 'dask') return { label: tool, command }
  return { label: tool, command, check: () => checkSales(join(outFolder, '**/*.parquet'), task) }
}

/** Runs one task of a pipeline. */
function runKeyed(name: 'sales' | 'keys', task: string, ...flags: string[]) {
  const pipeline = fileURLToPath(new URL(`pipelines/${name}.ts`, import.meta.url))
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
