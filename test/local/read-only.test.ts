/** A run over an output that this process may not write to. */
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
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

it('finds a complete dataset, and fails with the path where it would have to write', async () => {
  const some = project(pipeline, { 'a.csv': 'x\n1\n' })
  expect(await some.run()).toMatchObject({ status: 'complete' })
  for (const folder of [some.out, ...foldersBelow(some.out)]) chmodSync(folder, 0o555)
  chmodSync(some.folder, 0o755)
  const url = new URL('../../lib/index.ts', import.meta.url).href
  const script = `const { run } = await import(${JSON.stringify(url)})
const print = ({ status, error }) => console.log(JSON.stringify({ status, code: error?.code, message: error?.message }))
print(await run('pipeline.ts', { output: 'out', workers: 1 }))
print(await run('pipeline.ts', { output: 'out', workers: 1, force: true }).catch(error => ({ status: 'failed', error })))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: some.folder,
    env: { ...process.env, TMPDIR: '/tmp', HOME: '/tmp' },
    ...nobody,
  })
  const [skipped, forced] = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(skipped).toEqual({ status: 'skipped' })
  expect(forced).toMatchObject({
    status: 'failed',
    code: 'STORE_FAILED',
    message: expect.stringContaining('.fanmill/'),
  })
})

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
