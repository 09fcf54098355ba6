/** A run over an output that this process may not write to. */
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { project } from './project.ts'

const pipeline = `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: 't' }),
})
export default pipeline({ name: 't', tasks: [t] })
`

/** Root may write anywhere, so that the run is then another user's. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

it('finds a complete dataset, also one without any state, and otherwise says why it would have to write', async () => {
  const some = project(pipeline, { 'a.csv': 'x\n1\n' })
  expect(await some.run()).toMatchObject({ status: 'complete' })
  cpSync(join(some.out, 't'), join(some.folder, 'alone/t'), { recursive: true })
  mkdirSync(join(some.folder, 'empty'))
  for (const out of ['out', 'alone', 'empty'])
    for (const folder of [join(some.folder, out), ...foldersBelow(join(some.folder, out))]) chmodSync(folder, 0o555)
  chmodSync(some.folder, 0o755)
  const [beside, alone, never, forced, changed] = await runAsNobody(some.folder, [
    `run('pipeline.ts', { output: 'out', workers: 1 })`,
    `run('pipeline.ts', { output: 'alone', workers: 1 })`,
    `run('pipeline.ts', { output: 'empty', workers: 1 })`,
    `run('pipeline.ts', { output: 'out', workers: 1, force: true })`,
    `run('pipeline.ts', { output: 'alone', input: 'other', workers: 1 })`,
  ])
  expect([beside, alone]).toEqual([{ status: 'skipped' }, { status: 'skipped' }])
  const refused = (out: string, reason: string) => ({
    code: 'OUTPUT_READ_ONLY',
    message: `t has to be written (${reason}): cannot write to ${join(some.folder, out)}: permission denied; give this user the right to it (EACCES)`,
  })
  expect(never).toEqual(refused('empty', 'it has no _SUCCESS'))
  expect(forced).toEqual(refused('out/.fanmill', 'forced'))
  expect(changed).toEqual(refused('alone', 'input changed: 1 of 1 files'))
})

async function runAsNobody(folder: string, runs: readonly string[]): Promise<unknown[]> {
  mkdirSync(join(folder, 'other'))
  writeFileSync(join(folder, 'other/a.csv'), 'x\n2\n')
  const url = new URL('../../lib/index.ts', import.meta.url).href
  const script = `const { run } = await import(${JSON.stringify(url)})
const print = one => console.log(JSON.stringify(one))
const failed = ({ code, message }) => print({ code, message })
${runs.map(text => `await ${text}.then(({ status, error }) => (error ? failed(error) : print({ status })), failed)`).join('\n')}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    env: { ...process.env, TMPDIR: '/tmp', HOME: '/tmp' },
    ...nobody,
  })
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

it('removes temporary files of killed processes also when there is nothing to do', async () => {
  const some = project(pipeline, { 'a.csv': 'x\n1\n' })
  await some.run()
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  writeFileSync(join(some.out, '.fanmill/tmp', `${encodeURIComponent(hostname())}~${pid}~left`), 'half')
  expect(await some.run()).toMatchObject({ status: 'skipped' })
  expect(some.leftovers()).toEqual([])
})

function foldersBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name))
}
