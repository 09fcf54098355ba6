/**
 * Measures the commands that read the state of an output root with many runs in it: `node bench/state.ts [runs]`, default 10,000.
 * `node bench/state.ts 10000 ../other` measures another checkout in turn, command by command, and writes both and the ratio into RESULTS.md.
 * The state is copied from a real run of one small task under other ids: ten files for each run, ten runs for each output.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { outputHashOf } from '../lib/model/run/identity.ts'
import { awsHeading, stateHeading, writeSection } from './page-section.ts'

const runsPerOutput = 10
const main = fileURLToPath(new URL('../lib/cli/main.ts', import.meta.url))

const pipeline = `import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: 't' }),
})
export default pipeline({ name: 'p', tasks: [t] })
`

function fanmill(
  cwd: string,
  args: readonly string[],
  program = main,
): { readonly seconds: number; readonly stdout: string } {
  const began = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  if (status !== 0) throw new Error(`fanmill ${args.join(' ')}: ${stderr}`)
  return { seconds: (performance.now() - began) / 1000, stdout }
}

/** Reads the files of one run's state and dataset, which are written again under other names. */
function templateOf(out: string): { readonly runId: string; readonly files: ReadonlyMap<string, string | Buffer> } {
  const files = new Map<string, string | Buffer>()
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(out.length + 1)
    if (!entry.isFile() || /^\.fanmill\/(tmp|bundles|identities)/.test(path)) continue
    files.set(path, /\.parquet$/.test(path) ? readFileSync(join(out, path)) : readFileSync(join(out, path), 'utf8'))
  }
  const [runId = ''] = readdirSync(join(out, '.fanmill/runs'))
  return { runId, files }
}

function writeRuns(out: string, runs: number): number {
  const { runId, files } = templateOf(out)
  let count = 0
  for (let run = 0; run < runs; run++) {
    const id = (BigInt(run) * 7919n + 1n).toString(16).padStart(16, '0')
    const output = `many/${Math.floor(run / runsPerOutput)}`
    const isLast = run % runsPerOutput === runsPerOutput - 1
    for (const [path, content] of files) {
      const isState = path.startsWith('.fanmill/runs/')
      if (!isState && !isLast) continue
      const name = path
        .replace(/^t\//, `${output}/`)
        .replace(outputHashOf('t'), outputHashOf(output))
        .replaceAll(runId, id)
      const text =
        typeof content === 'string'
          ? content.replaceAll(runId, id).replaceAll('"outputPath": "t"', `"outputPath": "${output}"`)
          : content
      mkdirSync(dirname(join(out, name)), { recursive: true })
      writeFileSync(join(out, name), text)
      count++
    }
  }
  return count
}

const runs = Number(process.argv[2] ?? 10_000)
const other = process.argv[3] === undefined ? undefined : resolve(process.argv[3], 'lib/cli/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'fanmill-bench-state-'))
try {
  mkdirSync(join(folder, 'in'))
  writeFileSync(join(folder, 'in/a.csv'), 'x\n1\n')
  writeFileSync(join(folder, 'pipeline.ts'), pipeline)
  fanmill(folder, ['run', 'pipeline.ts'])
  const count = writeRuns(join(folder, 'out'), runs)
  console.log(`${runs} runs, ${count} files`)
  const commands = [
    ['runs'],
    ['status'],
    ['rejects'],
    ['clean', '--dry-run'],
    ['clean', '--dry-run', '--older-than', '0d'],
    ['plan', 'pipeline.ts'],
    ['run', 'pipeline.ts'],
    ['clean', '--older-than', '0d'],
  ]
  const rows: string[] = []
  for (const command of commands) {
    // Commands that change the state are measured only in this checkout: nothing would be left to do for the other one.
    const isRead = command[0] !== 'run' && (command[0] !== 'clean' || command.includes('--dry-run'))
    const before = other && isRead ? fanmill(folder, command, other).seconds : undefined
    const { seconds, stdout } = fanmill(folder, command)
    const last = stdout.trim().split('\n').at(-1) ?? ''
    const ratio = before === undefined ? '' : `${(before / seconds).toFixed(1)} ×`
    const cells = [`\`${command.join(' ')}\``, seconds.toFixed(1), before?.toFixed(1) ?? '', ratio]
    rows.push(`| ${cells.join(' | ')} |`)
    console.log(cells.join('  '), '  ', last.slice(0, 60))
  }
  if (other)
    writeSection(
      stateHeading,
      [
        stateHeading,
        '',
        `${new Date().toISOString().slice(0, 10)}, \`node bench/state.ts ${runs} <checkout before>\``,
        '',
        `${runs.toLocaleString('en-US')} runs, ${count.toLocaleString('en-US')} files of state, on a disk; the other checkout takes turns with this one, on a machine that does other work as well, so that the ratio says more than the seconds. What changes the state is measured here alone.`,
        '',
        '| command | seconds | seconds before | before / now |',
        '| --- | --- | --- | --- |',
        ...rows,
      ],
      awsHeading,
    )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
