/** The cases of inputs that once took too much memory or time, or ended with the wrong advice: each runs within its bounds. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Case, cpuAsMuch, cpuSeconds, peakMemory, type Side, timesAsLong } from './case.ts'
import { outFolder, peer, product } from './commands.ts'
import { dataFolder } from './inputs.ts'
import {
  limitInput as at,
  logRows,
  once,
  writeColumns,
  writeHeader,
  writeKeys,
  writeLog,
  writeParquets,
  writeRecord,
  writeWide,
} from './limit-inputs.ts'

export const limitCases: readonly Case[] = [
  {
    name: 'wide',
    title: '450 columns of 20,000 rows',
    inputs: [],
    setUp: once('wide.csv', writeWide),
    sides: [limited('fanmill, --memory 700', 'wide', 20_000, '--memory', '700')],
    targets: [peakMemory('fanmill, --memory 700')],
  },
  {
    name: 'wide-record',
    title: 'a record with 100,000 fields too many among three',
    inputs: [],
    setUp: once('wide-record.csv', writeRecord),
    sides: [limited('fanmill, --memory 800', 'wide-record', 2, '--memory', '800')],
    targets: [cpuSeconds('fanmill, --memory 800', ['at most', 5]), peakMemory('fanmill, --memory 800', 800)],
  },
  {
    name: 'header',
    title: 'three columns of a file of 100,000, against the engine alone, which reads all of them',
    inputs: [],
    setUp: once('header.csv', writeHeader),
    sides: [limited('fanmill', 'header', 20), { label: 'duckdb', command: readHeaderAlone }],
    targets: [cpuAsMuch('fanmill', 'duckdb', ['given', 1]), peakMemory('fanmill')],
  },
  {
    name: 'log',
    title: 'a .gz of 28 MB that holds 1.2 GB',
    inputs: [],
    setUp: once('log.csv.gz', writeLog),
    sides: [limited('fanmill', 'log', logRows())],
    targets: [peakMemory('fanmill')],
  },
  {
    name: 'partitions',
    title: '1,000,000 values of partitionBy are refused, with the default limit of 1,000',
    inputs: [],
    setUp: once('keys.csv', writeKeys),
    sides: [{ label: 'fanmill', command: () => refused('partitions', 'TOO_MANY_PARTITIONS') }],
    targets: [cpuSeconds('fanmill', ['at most', 5]), peakMemory('fanmill')],
  },
  {
    name: 'parquets',
    title: "2,000 Parquet files of one row in a folder, against pyarrow's dataset with 2 threads",
    inputs: [],
    setUp: writeParquets,
    sides: [limited('fanmill', 'parquets', 2000)],
    peers: [{ label: 'pyarrow dataset', command: () => peer('pyarrow_parquets', at('parquets')) }],
    targets: [timesAsLong('fanmill', 'pyarrow dataset', ['at most', 1.2]), peakMemory('fanmill')],
  },
  {
    name: 'infer-wide',
    title: 'fanmill infer of a file of 9,000 columns',
    inputs: [],
    setUp: once('columns.csv', writeColumns),
    sides: [{ label: 'fanmill infer', command: () => product('infer', at('columns.csv')) }],
    targets: [peakMemory('fanmill infer', 1500)],
  },
]

/** A run of a task of `pipelines/limits.ts` that writes so many rows. */
function limited(label: string, task: string, rows: number, ...flags: string[]): Side {
  return {
    label,
    command: () => run(task, ...flags),
    check: async () => {
      const found = await countRows(join(outFolder, task, '*.parquet'))
      return found === rows ? [] : [`expected ${rows} rows, got ${found}`]
    },
  }
}

function run(task: string, ...flags: string[]) {
  const pipelineFile = fileURLToPath(new URL('pipelines/limits.ts', import.meta.url))
  const roots = ['--input', dataFolder, '--output', outFolder, '--workers', '2']
  return product('run', pipelineFile, task, ...roots, '--quiet', ...flags)
}

function readHeaderAlone(): readonly [string, ...string[]] {
  const query = `SELECT c3, c500, c99999 FROM read_csv('${at('header.csv')}', header = true, all_varchar = true, max_line_size = 10000000)`
  return [
    process.execPath,
    fileURLToPath(new URL('duckdb-query.ts', import.meta.url)),
    query,
    join(outFolder, 'all.parquet'),
  ]
}

/** Returns a command that succeeds when the run of a task fails with this code. */
function refused(task: string, code: string): readonly [string, ...string[]] {
  const script = '"$@" 2>&1 | grep -q "$0"'
  return ['bash', '-c', script, code, ...run(task)]
}

async function countRows(glob: string): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const [[count] = []] = (await connection.runAndReadAll(`SELECT count(*)::INT FROM read_parquet('${glob}')`)).getRows()
  connection.closeSync()
  return Number(count)
}
