/** Runs in which threads, user code or memory fail, with real threads. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { PermanentError } from '../../lib/errors/errors.ts'
import { runSession } from '../../lib/local/run.ts'
import { openSession } from '../../lib/local/session.ts'
import type { RunEvent } from '../../lib/model/events.ts'
import type { Store } from '../../lib/store/store.ts'
import { withMethods } from '../../lib/store/with-methods.ts'
import { buildZip } from '../zip-builder.ts'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

/** Less than an archive's text, so that each is a batch. */
const tuning = { groupBytes: 4 * 1024 }
const archiveCount = 6
const rowsOfArchive = 3000
const rows = archiveCount * rowsOfArchive

const archives = Object.fromEntries(
  Array.from({ length: archiveCount }, (_, archive) => {
    const lines = Array.from({ length: rowsOfArchive }, (_, row) => `${archive * rowsOfArchive + row}\n`)
    return [`${archive}.zip`, buildZip({ 'rows.csv': `x\n${lines.join('')}` })]
  }),
)

/** `body` is that of a function of x, which may use `flag(name)`: whether a file is there, made by the call. */
function rowsThrough(body: string, more = '') {
  return project(
    `
import { existsSync, writeFileSync } from 'node:fs'
import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
const flag = (name: string): boolean => { const was = existsSync(name); writeFileSync(name, ''); return was }
function work(x: number): number { ${body} }
export const t = task({
  name: 't',
  source: zipMembers({ paths: '*.zip', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: '{task}' }),
  ${more}
}).mapRows(({ x }) => ({ y: work(x ?? 0) }), { adds: { y: column.int32() } })
export default pipeline({ name: 't', tasks: [t] })
`,
    archives,
  )
}

describe('user code that would end its thread', () => {
  it('fails with the error of a pipeline that cannot be loaded in a thread while the engine starts, and does not end the process', async () => {
    const { folder, out, write } = project(
      `
import { isMainThread } from 'node:worker_threads'
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
if (!isMainThread) throw new Error('not in a thread')
const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: '{task}' }),
})
export default pipeline({ name: 't', tasks: [t] })
`,
      { 'a.csv': 'x\n1\n' },
    )
    const given = JSON.stringify({ input: folder, output: out, workers: 1 })
    write({
      'program.ts': `
import { run } from '${new URL('../../lib/index.ts', import.meta.url).href}'
const { code, message } = await run('${join(folder, 'pipeline.ts')}', ${given}).catch(error => error)
console.log(code, message)
`,
    })
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.ts')])
    expect(stdout).toMatch(/^DEFINITION_LOAD .*not in a thread/)
  })

  it('fails its batch with the row and the call, and the pool processes the other batches', async () => {
    const broken = rowsThrough('if (x === 4) process.exit(7); return x')
    const { status, error } = await broken.run({}, tuning)
    expect(status).toBe('failed')
    expect(error).toMatchObject({ code: 'BATCHES_FAILED' })
    expect(error?.message).toMatch(/process\.exit\(7\)/)
    expect(error?.detail.missing).toHaveLength(1)
    expect(broken.outputFiles()).not.toContain('t/_SUCCESS')
  })

  it('is named with WORKER_DIED, batch and slice, when an error escapes', async () => {
    const broken = rowsThrough("if (x === 4) setTimeout(() => { throw new Error('escaped') }); return x")
    const { error } = await broken.run({}, { groupBytes: 64 * 1024 })
    expect(error).toMatchObject({
      code: 'WORKER_DIED',
      detail: { batch: 0, slice: expect.any(Number), archive: '0.zip' },
    })
    expect(error?.message).toMatch(/escaped/)
  })

  it('is forgiven when it happens once', async () => {
    const once = project('', {})
    const path = JSON.stringify(join(once.folder, 'once'))
    const some = rowsThrough(
      `if (x === 4 && !flag(${path})) setTimeout(() => { throw new Error('escaped') }); return x`,
    )
    expect(await some.run({}, tuning)).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: rows }] })
  })
})

describe('a run that another process works on', () => {
  it('fails with RUN_ACTIVE, the owner and what to do, and is not reported as complete', async () => {
    const marks = project('', {})
    const [begun, go] = ['begun', 'go'].map(name => join(marks.folder, name)) as [string, string]
    const slow = rowsThrough(`flag(${JSON.stringify(begun)}); while (!existsSync(${JSON.stringify(go)})); return x`)
    const first = slow.run({}, tuning)
    while (!existsSync(begun)) await delay(10)
    const second = await slow.run({}, tuning).finally(() => writeFileSync(go, ''))
    expect(second).toMatchObject({ status: 'failed', error: { code: 'RUN_ACTIVE' }, tasks: [{ status: 'failed' }] })
    expect(second.error?.message).toContain(`process ${process.pid} on `)
    expect(await first).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: rows }] })
    expect(await slow.run({}, tuning)).toMatchObject({ status: 'skipped' })
  })
})

describe('a setup that throws', () => {
  it('fails before a run begins, as user code and with its message', async () => {
    const broken = rowsThrough('return x', "setup() { throw new Error('no model') },")
    await expect(broken.run({}, tuning)).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: 'task t: setup threw: no model',
    })
  })
})

describe('a failed batch', () => {
  it('lets the others finish, and is the only one processed when the run is repeated', async () => {
    const wanted = join(project('', {}).folder, 'mended')
    const some = rowsThrough(`if (x === 4 && !existsSync(${JSON.stringify(wanted)})) throw new Error('four'); return x`)
    const first = await some.run({}, tuning)
    expect(first).toMatchObject({ status: 'failed', error: { code: 'BATCHES_FAILED' } })
    expect(first.error?.message).toMatch(/TRANSFORM_FAILED .*: four; correct the task, then run it again$/)
    expect(first.error?.message.match(/rows\.csv/g)).toHaveLength(1)
    writeFileSync(wanted, '')
    const events: RunEvent[] = []
    const second = await some.run({ onEvent: event => void events.push(event) }, tuning)
    expect(second).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: rows }] })
    expect(events.filter(({ event }) => event === 'start')).toMatchObject([{ attempt: 1 }])
    expect(some.leftovers()).toEqual([])
  })

  it('ends the run with its own error with failFast, and no batch begins after it', async () => {
    // The last archive is the largest, so that its batch comes first.
    const some = rowsThrough(`if (x === ${rows - 1}) throw new Error('last'); return x`)
    const { error } = await some.run({ failFast: true, workers: 1 }, tuning)
    expect(error?.message).toMatch(/last/)
    const runs = join(some.out, '.fanmill/runs')
    const outcomes = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter(name =>
      /outcomes\/\d+\.json$/.test(name),
    )
    expect(outcomes.length).toBeLessThan(archiveCount - 1)
  })
})

describe('a stopped run', () => {
  it('ends in order with ABORTED, leaves nothing temporary, and is resumed by the next', async () => {
    const stopping = new AbortController()
    const some = rowsThrough('const end = performance.now() + 0.05; while (performance.now() < end); return x')
    const onEvent = ({ event }: RunEvent): void => {
      if (event === 'batch') stopping.abort()
    }
    const stopped = await some.run({ signal: stopping.signal, onEvent }, tuning)
    expect(stopped).toMatchObject({ status: 'failed', error: { code: 'ABORTED' } })
    expect(some.outputFiles().filter(name => name.endsWith('.parquet') || name.endsWith('_SUCCESS'))).toEqual([])
    expect(some.leftovers().filter(name => name.startsWith('.fanmill/tmp/'))).toEqual([])
    const events: RunEvent[] = []
    const resumed = await some.run({ onEvent: event => void events.push(event) }, tuning)
    expect(resumed).toMatchObject({
      status: 'complete',
      tasks: [{ rowsWritten: rows, runId: stopped.tasks[0]!.runId }],
    })
    expect(events.filter(({ event }) => event === 'start')).toMatchObject([{ attempt: 1 }])
    expect(some.leftovers()).toEqual([])
    expect(existsSync(join(some.out, 't/_SUCCESS'))).toBe(true)
  })
})

/** Returns the same store, which refuses to write `_SUCCESS`. */
const withoutSuccess = (store: Store): Store =>
  new Proxy(store, {
    get(_, name: keyof Store) {
      const value = store[name]
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]) => {
        if (name !== 'stat' && name !== 'read' && String(args[0]).endsWith('_SUCCESS'))
          throw new PermanentError('STORE_FAILED', 'access denied')
        return Reflect.apply(value, store, args)
      }
    },
  })

it('completes a commit that failed when the same process runs again', async () => {
  const some = rowsThrough('return x')
  const session = await openSession(join(some.folder, 'pipeline.ts'), { input: some.folder, output: some.out })
  const failed = await runSession({ ...session, output: withoutSuccess(session.output) })
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'STORE_FAILED', message: 'access denied' } })
  expect(await some.run()).toMatchObject({ status: 'skipped', tasks: [{ rowsWritten: rows }] })
  expect(await some.rows()).toHaveLength(rows)
})

it('leaves no part of a batch that fails after its parts were stored', async () => {
  const some = rowsThrough('return x')
  const session = await openSession(join(some.folder, 'pipeline.ts'), { input: some.folder, output: some.out })
  const output = withMethods(session.output, {
    async write(key, bytes) {
      if (key.includes('/accounts/')) throw new PermanentError('STORE_FAILED', 'access denied')
      return session.output.write(key, bytes)
    },
  })
  expect(await runSession({ ...session, output })).toMatchObject({ status: 'failed', error: { code: 'STORE_FAILED' } })
  expect(some.leftovers()).toEqual([])
})
