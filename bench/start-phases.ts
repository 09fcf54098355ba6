/** CPU time of a start by phase, as it was measured on 2026-11-29: a remark below the case `start`. */

/** Milliseconds of CPU time by phase, before and after. */
const phases: readonly (readonly [phase: string, before: number, after: number])[] = [
  ['main thread: Node itself', 28.3, 28.7],
  ['main thread: the command line', 31.5, 18.8],
  ['main thread: modules of `run`', 68.3, 31.5],
  ['main thread: starting threads', 5.5, 5.5],
  ['main thread: bundle', 32.5, 4.5],
  ['main thread: loading the pipeline', 12.9, 14.4],
  ['main thread: code hash, graph, reserving the run', 26.4, 20.2],
  ['main thread: plan', 14.7, 15.0],
  ['main thread: batch, commit, end', 35.5, 33.3],
  ['both workers: Node itself', 76.2, 67.9],
  ["both workers: modules, with the engine's library", 138.3, 134.4],
  ['both workers: loading the pipeline', 55.4, 24.4],
  ['both workers: opening the engine', 25.9, 7.5],
  ['both workers: jobs', 30.7, 41.0],
  ['threads of the engine, of V8 and for files', 247.9, 185.2],
  ["the bundler's process, end of the process", 31.9, 10.8],
  ['**all**', 861.9, 646.1],
]

/** CPU milliseconds that the whole process has used when something happens, before and after, as measured later that day. */
const points: readonly (readonly [point: string, before: number, after: number])[] = [
  ['the first thread is started', 106, 81],
  ['the first thread has loaded its modules', 490, 366],
  ['the engine of the first thread is open', 699, 505],
  ['inputs are found, and the task is checked', 706, 532],
  ['the run is planned', 791, 617],
  ['the first slice is staged', 823, 633],
  ['the process ends', 889, 801],
]

export const startPhases: string = [
  'CPU milliseconds of a whole run over two files of 11 kB with two workers, medians of nine runs, each in turn with the version before; Intel, load 22. Before: the pipeline was bundled and hashed in each run, and code lay in 298 files. After: both are kept, and what is loaded is in 91 files.',
  '',
  '| phase | before | after |',
  '| --- | --- | --- |',
  ...phases.map(([phase, before, after]) => `| ${phase} | ${before.toFixed(0)} | ${after.toFixed(0)} |`),
  '',
  'Milliseconds of CPU time of the whole process until a point of a second run over one member of the zip, medians of nine, each in turn with the version before; two workers, Intel, load 25. Before: both threads started at once, after the code of `run` was loaded. After: the first thread starts before that, the second when the first has loaded its modules; threads load one file, without the parser of code hashes, and begin with a young generation of 8 MiB; the engine starts while the pipeline is loaded. With two free CPUs, 633 ms, of which the first 81 are of one thread, would be 0.36 s of time.',
  '',
  '| until | before | after |',
  '| --- | --- | --- |',
  ...points.map(([point, before, after]) => `| ${point} | ${before} | ${after} |`),
  '',
  "Measured alone, and not kept because they changed nothing: `--no-flush-bytecode`, minified code, code of ASCII only, one import of the engine's package for all modules; later `--initial-heap-size=64` (1,046 CPU ms in place of 909), `--single-threaded-gc`, `--no-maglev`, `--no-sparkplug`, and the module that calls `pipeline()` found only when it is needed.",
  '',
  'Later again, in CPU milliseconds of whole runs with two workers, medians of pairs in turns on the AMD machine at a load of 13 to 18: functions kept compiled, 519 before and 453 after over two files of 1,000 rows (nine pairs, ratio 0.86); one thread for what is one slice, 404 and 311 over one file of 1,000 rows, 532 and 402 over one member of the zip (nine pairs each). Of a run over two files with one worker in place of two: 460 and 321.',
  '',
  'Not kept: parentheses around functions, so that V8 compiles them when a file is loaded (13 ms more); flags that change how code is optimized (`--max-opt`, `--no-sparkplug`, `--no-flush-bytecode`: 47 to 88 ms more), because Node then compiles its own modules anew in each process; `process.exit()` in place of an end by itself (no difference). Creating a file or folder costs up to a millisecond on an ext4 without a journal where many were removed in the last seconds, as before each run of this benchmark; a `reduce` creates 76.',
].join('\n')
