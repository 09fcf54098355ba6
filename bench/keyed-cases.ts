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

/** The time of the case by part, as it was measured on 2026-11-29. */
const fewPhases = `Where the time goes, medians of five runs each in turn with the version before, at a load of 13 to 17; two workers, nothing kept from a run before. Before: two threads with an engine each, which begin when the inputs are hashed and the run is planned. After: one engine with two threads, which begins when the inputs are listed. Milliseconds of time, and of CPU time of the whole process until then:

| point | before | | after | |
| --- | --- | --- | --- | --- |
| the first thread is started | 175 | 101 | 255 | 96 |
| the pipeline is bundled and loaded | 794 | 328 | 699 | 309 |
| inputs are listed, and hashing begins | 866 | 384 | 743 | 348 |
| the first engine is open | 1086 | 572 | 896 | 556 |
| the first share begins | 1460 | 1007 | 896 | 556 |
| its files are described, and its query begins | 1556 | 1138 | 1114 | 716 |
| inputs are hashed | 1304 | 964 | 1583 | 1042 |
| the run is planned | 1451 | 999 | 1802 | 1364 |
| the last share of the first stage ends | 4214 | 2239 | 3330 | 1910 |
| the second stage is planned | 4330 | 2281 | 3395 | 1968 |
| its share ends | 4419 | 2331 | 3632 | 2021 |
| the run is committed | 4525 | 2376 | 3805 | 2062 |
| threads are closed | 4591 | 2409 | 3896 | 2088 |
| the process ends | 4674 | | 3945 | |

Whole processes in turns, medians of five, load 15: 4.35 s and 2.40 CPU s before, 3.66 and 2.08 after, DuckDB 3.04 and 1.10; 44 MB less memory. One engine for both CPUs saves 0.25 CPU s of that (medians of five pairs; a thread is not started), the early begin 1.2 s of 11.0 at a load of 28 and no CPU time (six pairs). Over two files of 1,000 rows: 0.91 CPU s before, 0.70 after. By 10 million keys, two pairs show no difference: 17.8 and 19.3 CPU s before, 19.0 and 19.0 after. Left as they are: 49 calls of fsync, which are 0.09 s in all, and hashing several files at once, which saves none of its 0.22 to 0.25 CPU s.`

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
