/** The cases of the benchmark and their targets. */
import { join } from 'node:path'
import { type Case, cpuAsMuch, peakGrowth, peakMemory, rate, type Side, seconds, timesAsLong } from './case.ts'
import {
  duckdbCopy,
  extractToMemory,
  infoZip,
  membersInMemory,
  memoryFolder,
  outFolder,
  peer,
  planTask,
  product,
  runTask,
} from './commands.ts'
import { type InputName, inputPath } from './inputs.ts'
import { startPhases } from './start-phases.ts'
import { checkMembers, checkRows } from './verify.ts'

const zip = inputPath('many')
const csv = inputPath('big')

export const cases: readonly Case[] = [
  {
    name: 'many',
    title: '6,087 members of ~88 kB in one zip, against DuckDB over the same members already extracted to memory',
    inputs: ['many'],
    setUp: extractToMemory,
    sides: [
      task('fanmill, lenient', 'many-lenient', 'many'),
      files('duckdb', 'many', () => duckdbCopy(membersInMemory)),
      task('fanmill, strict', 'many', 'many'),
    ],
    peers: [
      files('pyarrow threads', 'many', () => peer('pyarrow_threads', zip)),
      files('pandas pool', 'many', () => peer('pandas_pool', zip)),
      files('polars pool', 'many', () => peer('polars_pool', zip)),
      files('unzip to disk, duckdb', 'many', () => peer('duckdb_unzip', zip)),
      files('unzip to memory, duckdb', 'many', () => peer('duckdb_unzip', zip, join(memoryFolder, 'tmp'))),
      files('duckdb of Python', 'many', () => peer('duckdb_copy', membersInMemory)),
    ],
    targets: [
      timesAsLong('fanmill, lenient', 'duckdb', ['at most', 1]),
      cpuAsMuch('fanmill, lenient', 'duckdb', ['given', 1]),
      timesAsLong('fanmill, strict', 'fanmill, lenient', ['at most', 1.1]),
      timesAsLong('pyarrow threads', 'fanmill, lenient', ['at least', 1.5]),
      timesAsLong('pandas pool', 'fanmill, lenient', ['at least', 2.5]),
      timesAsLong('unzip to memory, duckdb', 'fanmill, lenient', ['at least', 1.7]),
      timesAsLong('unzip to disk, duckdb', 'fanmill, lenient', ['at least', 1.7]),
      peakMemory('fanmill, lenient'),
      peakMemory('fanmill, strict'),
    ],
  },
  {
    name: 'big',
    title: 'one CSV of 178 MB, against DuckDB with 2 threads',
    inputs: ['big'],
    sides: [
      task('fanmill, lenient', 'big-lenient', 'big'),
      files('duckdb', 'big', () => duckdbCopy(csv)),
      task('fanmill, strict', 'big', 'big'),
    ],
    peers: [
      files('duckdb of Python', 'big', () => peer('duckdb_copy', csv)),
      files('pyarrow', 'big', () => peer('pyarrow_whole', csv)),
    ],
    targets: [
      timesAsLong('fanmill, lenient', 'duckdb', ['at most', 1.15]),
      cpuAsMuch('fanmill, lenient', 'duckdb', ['given', 1]),
      timesAsLong('fanmill, strict', 'duckdb', ['given', 1.15]),
      timesAsLong('pyarrow', 'fanmill, lenient', ['at least', 1]),
      peakMemory('fanmill, lenient'),
      peakMemory('fanmill, strict'),
    ],
  },
  {
    name: 'large',
    title: 'one CSV of 1.8 GB, against DuckDB with 2 threads',
    inputs: ['large'],
    sides: [
      task('fanmill, lenient', 'large-lenient', 'large'),
      files('duckdb', 'large', () => duckdbCopy(inputPath('large'))),
    ],
    targets: [
      timesAsLong('fanmill, lenient', 'duckdb', ['at most', 1.05]),
      cpuAsMuch('fanmill, lenient', 'duckdb', ['given', 1]),
      peakMemory('fanmill, lenient'),
    ],
  },
  twoWorkers('many-workers', 'the zip of 6,087 members', 'many-lenient', 'many', 1.6),
  twoWorkers('big-workers', 'the CSV of 178 MB', 'big-lenient', 'big', 1.6),
  twoWorkers('huge', 'one deflated member of 2 GB', 'huge', 'huge', 1.5),
  twoWorkers('gzip', 'one .gz', 'gzip', 'gzip', 1.5),
  twoWorkers('newlines', 'a CSV with quoted newlines in 10 % of its rows', 'newlines', 'newlines', 1.5),
  {
    name: 'transforms',
    title: 'what a transform costs, on the CSV of 178 MB with 1 worker',
    inputs: ['big'],
    sides: [task('none', 'big', 'big', 1), task('sql', 'big-sql', 'big', 1), task('mapRows', 'big-map-rows', 'big', 1)],
    targets: [timesAsLong('sql', 'none', ['at most', 1.05]), rate('mapRows', ['at least', 15])],
  },
  {
    name: 'memory',
    title: 'memory when the archive is four times as large',
    inputs: ['many', 'many4x'],
    sides: [task('173 MB', 'many-lenient', 'many'), task('692 MB', 'many4x', 'many4x')],
    targets: [peakGrowth('692 MB', '173 MB', ['at most', 1.2]), peakMemory('692 MB')],
  },
  {
    name: 'million',
    title: 'a zip of 1,000,000 members of one row',
    inputs: ['million'],
    sides: [
      task('run', 'million', 'million'),
      {
        ...task('run, --memory 700', 'million', 'million'),
        command: () => runTask('million', 2, '--quiet', '--memory', '700'),
      },
      { label: 'plan', command: () => planTask('million') },
    ],
    targets: [peakMemory('run, --memory 700'), peakMemory('plan', 512)],
    note: 'Before and after members became rows of numbers, on 2026-11-28, over another archive of 1,000,000 members of one row (148 MB, stored), one measurement each on two cores that were shared with some twenty other processes, so that processor time says more than the clock. A run: 2,272 MB, 31.5 s of processor time and 153 s before; 582 MB, 24.3 s and 141 s after, with `--memory 700`, which ended the process before. A plan: 689 MB, 7.4 s and 35 s before; 248 MB, 4.7 s and 20 s after. The state of the run: 54 MB after.',
  },
  {
    name: 'tiny',
    title: '100,000 members of ~1 kB in one zip: to Parquet, and extracted to disk',
    inputs: ['tiny'],
    sides: [
      task('fanmill', 'tiny', 'tiny'),
      extracted('fanmill unzip', 'tiny', () =>
        product('unzip', inputPath('tiny'), join(outFolder, 'members'), '--quiet'),
      ),
      extracted('unzip', 'tiny', () => infoZip(inputPath('tiny'), join(outFolder, 'members'))),
    ],
    peers: [files('pyarrow threads', 'tiny', () => peer('pyarrow_threads', inputPath('tiny')))],
    targets: [
      timesAsLong('pyarrow threads', 'fanmill', ['at least', 1.5]),
      timesAsLong('unzip', 'fanmill unzip', ['given', 1]),
      peakMemory('fanmill'),
    ],
  },
  smallFiles('files', '100,000 files of one row', 1.2),
  smallFiles('gzips', '20,000 .gz of one row', 1.2),
  {
    name: 'start',
    title: 'how soon something happens',
    inputs: ['many'],
    sides: [
      firstSlice('first slice, never run before'),
      { ...firstSlice('first slice'), warmUp: () => runTask('many-lenient', 2, '--quiet', ...oneMember) },
      { label: 'help', command: () => product('--help') },
    ],
    targets: [
      seconds('first slice, never run before', 'start to first slice, never run before', ['given', 1]),
      seconds('first slice', 'start to first slice', ['at most', 0.35]),
      seconds('help', 'fanmill --help', ['at most', 0.1]),
    ],
    note: startPhases,
  },
  {
    name: 'unzip',
    title: 'extracting 6,087 members to disk, against Info-ZIP',
    inputs: ['many'],
    sides: [
      extracted('fanmill unzip', 'many', () => product('unzip', zip, join(outFolder, 'members'), '--quiet')),
      extracted('unzip', 'many', () => infoZip(zip, join(outFolder, 'members'))),
    ],
    targets: [timesAsLong('unzip', 'fanmill unzip', ['given', 1])],
  },
]

function task(label: string, name: string, input: InputName, workers = 2): Side {
  return {
    label,
    command: () => runTask(name, workers),
    input,
    check: () => checkRows(join(outFolder, name, '**/*.parquet'), input),
  }
}

const oneMember = ['--sample', '1'] as const

/** A side that is measured until the first bytes of a slice are inflated. */
function firstSlice(label: string): Side {
  return {
    label,
    command: () => runTask('many-lenient', 2, '--json', '--force', ...oneMember),
    mark: /"bytesStaged":[1-9]/,
  }
}

/** A side that writes its Parquet files into the output folder itself. */
function files(label: string, input: InputName, command: Side['command']): Side {
  return { label, command, input, check: () => checkRows(join(outFolder, '*.parquet'), input) }
}

/** A side that extracts the members of an input below `members`. */
function extracted(label: string, input: InputName, command: Side['command']): Side {
  return { label, command, input, check: () => checkMembers(join(outFolder, 'members/export'), input) }
}

function twoWorkers(name: string, what: string, taskName: string, input: InputName, atLeast: number): Case {
  return {
    name,
    title: `2 workers against 1: ${what}`,
    inputs: [input],
    sides: [task('2 workers', taskName, input, 2), task('1 worker', taskName, input, 1)],
    targets: [timesAsLong('1 worker', '2 workers', ['at least', atLeast]), peakMemory('2 workers')],
  }
}

function smallFiles(name: 'files' | 'gzips', title: string, atMost: number): Case {
  return {
    name,
    title: `${title} in a folder, against pyarrow's dataset with 2 threads`,
    inputs: [name],
    sides: [task('fanmill', name, name)],
    peers: [files('pyarrow dataset', name, () => peer('pyarrow_folder', inputPath(name)))],
    targets: [timesAsLong('fanmill', 'pyarrow dataset', ['at most', atMost]), peakMemory('fanmill')],
  }
}
