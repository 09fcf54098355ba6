/** Runs that are stopped, as processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished, vi } from 'vitest'
import type { RunEvent } from '../../lib/model/events.ts'
import { fanmill } from '../cli/fanmill.ts'
import { buildZip } from '../zip-builder.ts'
import { project } from './project.ts'

const archives = Object.fromEntries(
  Array.from({ length: 8 }, (_, archive) => {
    const lines = Array.from({ length: 2000 }, (_, row) => `${archive * 2000 + row}\n`)
    return [`${archive}.zip`, buildZip({ 'rows.csv': `x\n${lines.join('')}` })]
  }),
)

const pipeline = `
import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
function slow(x: number): number { const end = performance.now() + 0.1; while (performance.now() < end); return x }
export const t = task({
  name: 't',
  source: zipMembers({ paths: '*.zip', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: '{task}' }),
}).mapRows(({ x }) => ({ y: slow(x ?? 0) }), { adds: { y: column.int32() } })
export default pipeline({ name: 't', tasks: [t] })
`

const url = (path: string) => JSON.stringify(new URL(`../../lib/${path}`, import.meta.url).href)

it('ends with 130 on SIGINT, leaves no temporary files, and processes the remaining batches when it runs again', async () => {
  const some = project(pipeline, archives)
  const script = join(some.folder, 'main.mjs')
  writeFileSync(
    script,
    `import { withInterrupt } from ${url('cli/interrupt.ts')}
import { runSession } from ${url('local/run.ts')}
import { openSession } from ${url('local/session.ts')}
const onEvent = ({ event }) => { if (event === 'batch') console.log(event) }
const result = await withInterrupt(async signal =>
  runSession(await openSession('pipeline.ts', { input: '.', output: 'out', workers: 2, signal, onEvent }, { groupBytes: 2048 })))
console.log(result.error?.code ?? result.status)
process.exitCode = result.error?.code === 'ABORTED' ? 130 : 0`,
  )
  const child = spawn(process.execPath, [script], { cwd: some.folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  expect(await once(child, 'close')).toEqual([130, null])
  expect(stdout).toMatch(/ABORTED/)
  expect(existsSync(join(some.out, 't/_SUCCESS'))).toBe(false)
  expect(readdirSync(join(some.out, '.fanmill/tmp'))).toEqual([])
  const mine = readdirSync(existsSync('/dev/shm') ? '/dev/shm' : '/').filter(name => name.includes(`-${child.pid}-`))
  expect(mine).toEqual([])
  const events: RunEvent[] = []
  const again = await some.run({ onEvent: event => void events.push(event) }, { groupBytes: 2048 })
  expect(again).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 16_000 }] })
  expect(events.filter(({ event }) => event === 'start')).toMatchObject([{ attempt: 1 }])
  const progress = events.findLast(event => event.event === 'progress')
  expect(progress?.event === 'progress' && progress.members).toBeLessThan(8)
  expect(some.leftovers()).toEqual([])
})

it('lets a program end with its exit code after a signal has stopped a run whose function never returns', async () => {
  const { folder } = project(
    pipeline.replace('end);', "end); globalThis.process.getBuiltinModule('fs').writeFileSync('hung', ''); for (;;);"),
    archives,
  )
  const program = join(folder, 'program.mjs')
  const text = `
import { existsSync } from 'node:fs'
import { run } from ${JSON.stringify(join(inject('compiledFolder'), 'lib/fanmill.js'))}
const stopping = new AbortController()
const timer = setInterval(() => { if (existsSync('hung')) stopping.abort() }, 20)
const { error } = await run('pipeline.ts', { input: '.', output: 'out', workers: 1, signal: stopping.signal })
clearInterval(timer)
console.log(error.code)
process.exitCode = 3
`
  writeFileSync(program, text)
  expect(await fanmill([], { main: program, cwd: folder })).toEqual({ code: 3, stdout: 'ABORTED\n', stderr: '' })
})

it('sends no further request to an S3 that does not answer the listing of the inputs', async () => {
  const stopping = new AbortController()
  let requests = 0
  const server = createServer((_, response) => {
    requests++
    if (requests === 2) stopping.abort()
    response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')
  }).listen(0)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  vi.stubEnv('AWS_REGION', 'us-east-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  onTestFinished(() => void vi.unstubAllEnvs())
  const some = project(pipeline)
  const stopped = some.run({ input: 's3://some-bucket/in', signal: stopping.signal })
  await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
  expect(requests).toBe(2)
})
