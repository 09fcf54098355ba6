/** Tasks that run programs, on a laptop. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Project, project } from './project.ts'

/** Writes orders of a month as CSV, and then the flag; says so on stdout and stderr. */
const exporter = `
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
const [month, amount] = process.argv.slice(2)
const { FANMILL_TARGET: flag, FANMILL_TASK: task, CURRENCY: currency } = process.env
mkdirSync(dirname(flag), { recursive: true })
writeFileSync(dirname(flag) + '/orders.csv', 'amount,currency\\n' + amount + ',' + currency + '\\n')
console.log('exported ' + month + ' as ' + task + ' in ' + process.cwd())
console.error('1 row')
writeFileSync(flag, '')
`
const orders = (amount = 3) => `
import { column, csv, files, param, parquet, pipeline, programTask, task } from 'fanmill'
const exported = programTask({
  name: 'exported',
  params: { month: param.month() },
  command: ({ month }) => ['node', 'export.mjs', month, '${amount}'],
  environment: { CURRENCY: 'EUR; $(echo no shell)' },
  target: 'exported/{month}/_SUCCESS',
})
const orders = task({
  name: 'orders',
  requires: exported,
  source: files({ paths: 'exported/{month}/*.csv', format: csv() }),
  columns: { amount: column.int32(), currency: column.string() },
  output: parquet({ path: '{task}/{month}' }),
})
export default pipeline({ name: 'orders', tasks: [exported, orders] })
`
const only = (options: string) => `
import { pipeline, programTask } from 'fanmill'
export default pipeline({ name: 'p', tasks: [programTask({ name: 'p', ${options} })] })
`
const options = { params: { month: '2001-02' } }

type Result = Awaited<ReturnType<Project['run']>>
const reasonsOf = ({ tasks }: Result) =>
  Object.fromEntries(tasks.map(({ task, status, reasons }) => [task, reasons?.[0]?.text ?? status]))

/** Messages of the logs of all runs. */
function logLines({ out }: Project): string[] {
  const runs = join(out, '.fanmill/runs')
  const logs = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter(name => /\/log\/|\.log/.test(name))
  const texts = logs.filter(name => !name.endsWith('/log')).map(name => readFileSync(join(runs, name), 'utf8'))
  return texts.flatMap(text => text.split('\n').filter(Boolean)).map(line => JSON.parse(line).message)
}

describe('a task that runs a program', () => {
  it('runs it without a shell in the folder of the pipeline, logs what it writes, and then what requires it', async () => {
    const some = project(orders(), { 'export.mjs': exporter })
    expect(await some.run(options)).toMatchObject({ status: 'complete' })
    expect(await some.rows('orders/2001-02')).toEqual([{ amount: 3, currency: 'EUR; $(echo no shell)' }])
    const lines = logLines(some)
    expect(lines).toContainEqual(expect.stringMatching(/^exported 2001-02 as exported in .*fanmill-project-/))
    expect(lines).toContain('1 row')
  })

  it('runs again when its command changes or its target is gone, and is complete otherwise', async () => {
    const some = project(orders(), { 'export.mjs': exporter })
    await some.run(options)
    expect(await some.run(options)).toMatchObject({ status: 'skipped' })
    rmSync(join(some.folder, 'exported/2001-02/_SUCCESS'))
    expect(reasonsOf(await some.run(options))).toEqual({
      exported: 'its target is gone',
      orders: 'upstream changed: exported(month=2001-02)',
    })
    some.write({ 'pipeline.ts': orders(4) })
    const changed = await some.run(options)
    expect(changed.tasks[0]?.reasons?.map(({ kind }) => kind)).toContain('code')
    expect(await some.rows('orders/2001-02')).toMatchObject([{ amount: 4 }])
  })

  it('is done without being run where somebody else has reached its target before', async () => {
    const some = project(only(`command: ['false'], target: 'there/_SUCCESS'`), { 'there/_SUCCESS': '' })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(logLines(some)).toContain('there/_SUCCESS is there already: false is not needed')
    expect(await some.run({ force: true })).toMatchObject({ status: 'failed', error: { code: 'PROGRAM_FAILED' } })
  })

  it('fails with OUTPUT_MISSING when it ends well without its target, and waits for one that comes later', async () => {
    const missing = project(only(`command: ['true'], target: 'out/{task}/*.csv', root: 'output'`))
    expect(await missing.run()).toMatchObject({
      status: 'failed',
      error: {
        code: 'OUTPUT_MISSING',
        message: expect.stringMatching(
          /^task p: expected a file that matches out\/p\/\*\.csv under .*\/out after true had/,
        ),
      },
    })
    const late = `(sleep 0.6; echo > "$FANMILL_TARGET") >/dev/null 2>&1 &`
    const some = project(only(`command: ['sh', '-c', ${JSON.stringify(late)}], target: 'late', waitSeconds: 20`))
    expect(await some.run()).toMatchObject({ status: 'complete' })
  })

  it('says with which code a program ended, and keeps what it wrote last out of the message', async () => {
    const some = project(only(`command: ['sh', '-c', 'echo secret >&2; exit 3']`))
    const { error } = await some.run()
    expect(error).toMatchObject({ code: 'PROGRAM_FAILED', detail: { code: 3, received: 'secret' } })
    expect(error?.message).toBe(
      'task p: expected sh to end with code 0, but it ended with code 3; its output is in the log of the run',
    )
    const absent = project(only(`command: ['no-such-program']`))
    expect((await absent.run()).error?.message).toContain(
      'expected the program no-such-program, got ENOENT; install it',
    )
  })

  it('leaves no process behind when its time is over, also where it does not listen', async () => {
    const deaf = `trap '' TERM; (trap '' TERM; sleep 60) & echo $! > child; echo $$ > self; sleep 60`
    const some = project(only(`command: ['sh', '-c', ${JSON.stringify(deaf)}], timeoutSeconds: 1`))
    expect(await some.run()).toMatchObject({ status: 'failed', error: { code: 'OUT_OF_TIME' } })
    for (const name of ['self', 'child']) expect(await isGone(some, name)).toBe(true)
  })

  it('gives it secrets as environment variables, which are not in the state', async () => {
    process.env.WAREHOUSE_PASSWORD = 'sesame'
    const some = project(
      only(
        `secrets: { PASSWORD: secret('warehouse/password') }, command: ['sh', '-c', 'test "$(echo "$PASSWORD" | rev)" = emases']`,
      ).replace('programTask }', 'programTask, secret }'),
    )
    expect(await some.run()).toMatchObject({ status: 'complete' })
    const state = readdirSync(join(some.out, '.fanmill'), { recursive: true, withFileTypes: true })
    const texts = state
      .filter(entry => entry.isFile())
      .map(entry => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    expect(texts.filter(text => text.includes('sesame'))).toEqual([])
  })
})

describe('a task whose service the state machine calls', () => {
  const service = (options = '') => `
import { param, pipeline, stateTask } from 'fanmill'
import { writeFileSync } from 'node:fs'
export default pipeline({ name: 'p', tasks: [stateTask({
  name: 'marts',
  params: { month: param.month() },
  integration: 'glue:startJobRun.sync',
  arguments: ({ month }) => ({ JobName: 'marts', Arguments: { '--month': month } }),
  permissions: [{ actions: ['glue:StartJobRun'], resources: ['*'] }],
  target: '{month}.done',
  ${options}
})] })
`
  it('is refused on a laptop before anything runs, where it has no stand-in', async () => {
    const some = project(service())
    await expect(some.run(options)).rejects.toMatchObject({
      code: 'STAND_IN_MISSING',
      message: expect.stringContaining('got marts, whose services are called by the state machine; give it a stand-in'),
    })
    expect(existsSync(join(some.out, '.fanmill/runs'))).toBe(false)
  })

  it('runs its stand-in with the arguments, whose errors and missing targets fail it', async () => {
    const writes = 'local: call => { writeFileSync(call.target, JSON.stringify(call.arguments)) }'
    const some = project(service(writes))
    expect(await some.run(options)).toMatchObject({ status: 'complete' })
    const given = readFileSync(join(some.folder, '2001-02.done'), 'utf8')
    expect(JSON.parse(given)).toEqual({ JobName: 'marts', Arguments: { '--month': '2001-02' } })
    expect(await some.run(options)).toMatchObject({ status: 'skipped' })
    const failed = await project(service(`local: async () => { throw new Error('no job') }`)).run(options)
    expect(failed.error).toMatchObject({
      code: 'CALL_FAILED',
      message: 'task marts: the stand-in of glue:startJobRun.sync failed: no job',
    })
    const missing = await project(service('local: () => {}')).run(options)
    expect(missing.error).toMatchObject({ code: 'OUTPUT_MISSING' })
  })
})

/** Whether the process of a file with its number has ended; it may still be a zombie of its parent for a moment. */
async function isGone(some: Project, name: string): Promise<boolean> {
  const pid = Number(readFileSync(join(some.folder, name), 'utf8'))
  for (let tries = 0; tries < 100; tries++) {
    if (!existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return true
    await pause(20)
  }
  return false
}
