/** Threads that serve one run of a process after another. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { entryUrl } from '../../../lib/bundle/entry-url.ts'
import { type Project, project } from '../../local/project.ts'

/** Counts rows in a variable of its module, and shows a variable of the environment and the working directory. */
const pipelineText = (code: string, top: string): string => `
import { column, csv, files, parquet, task } from 'fanmill'
${top}
let rows = 0
export default task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: 't' }),
}).mapRows(
  () => {
    ${code}
    rows++
    return { rows, place: process.env.FANMILL_TEST_PLACE ?? process.cwd() }
  },
  { adds: { rows: column.int32(), place: column.string() } },
)
`

let startedCount = 0
const countStart = (): void => void startedCount++
beforeEach(() => {
  startedCount = 0
  process.on('worker', countStart)
})
afterEach(() => {
  process.off('worker', countStart)
  vi.unstubAllEnvs()
})

const projectOf = (code = '', top = ''): Project => project(pipelineText(code, top), { 'a.csv': 'x\n1\n2\n' })

/** Runs twice with code between, and returns how many threads the second run started. */
async function startedByTheSecond(some: Project, between: () => unknown = () => undefined): Promise<number> {
  await some.run()
  await between()
  const before = startedCount
  expect(await some.run({ force: true })).toMatchObject({ status: 'complete' })
  return startedCount - before
}

describe('a second run of a process', () => {
  it('uses the threads of the first, with variables of its module that begin anew', async () => {
    const some = projectOf()
    expect(await startedByTheSecond(some)).toBe(0)
    expect((await some.rows()).map(({ rows }) => rows)).toEqual([1, 2])
  })

  it('of another pipeline uses them too', async () => {
    await projectOf().run()
    const before = startedCount
    const other = projectOf('rows += 10')
    await other.run()
    expect(startedCount).toBe(before)
    expect((await other.rows()).map(({ rows }) => rows)).toEqual([11, 22])
  })

  it('uses them after a run that failed', async () => {
    const some = projectOf("if (!process.env.FANMILL_TEST_PLACE) throw new Error('no place')")
    expect(await some.run()).toMatchObject({ error: { code: 'TRANSFORM_FAILED' } })
    const before = startedCount
    expect(await some.run()).toMatchObject({ error: { code: 'TRANSFORM_FAILED' } })
    expect(startedCount).toBe(before)
  })

  it('starts new ones where a variable of the environment has changed, and sees its value', async () => {
    const some = projectOf()
    expect(await startedByTheSecond(some, () => vi.stubEnv('FANMILL_TEST_PLACE', 'here'))).toBe(1)
    expect(await some.rows()).toMatchObject([{ place: 'here' }, { place: 'here' }])
  })

  it('starts new ones in another working directory', async () => {
    const some = projectOf()
    const before = process.cwd()
    const folder = mkdtempSync(join(tmpdir(), 'fanmill-elsewhere-'))
    try {
      expect(await startedByTheSecond(some, () => process.chdir(folder))).toBe(1)
      expect(await some.rows()).toMatchObject([{ place: process.cwd() }, { place: process.cwd() }])
    } finally {
      process.chdir(before)
    }
  })

  it('starts new ones with another budget of memory', async () => {
    const some = projectOf()
    await some.run()
    const before = startedCount
    await some.run({ force: true, memoryMb: 1000 })
    expect(startedCount).toBe(before + 1)
  })

  it.each([
    ['a timer', 'setInterval(() => undefined, 1e6)'],
    ['a timer that keeps no thread alive', 'setInterval(() => undefined, 1e6).unref()'],
    ['a variable of the environment', "process.env.LEFT = 'by a run'"],
    ['a changed built-in function', 'Math.random = () => 4'],
    ['a changed method of the console', 'console.debug = () => undefined'],
    ['a changed method of the process', 'process.emitWarning = () => undefined'],
    ['a method of a built-in class', "Array.prototype.left = () => 'by a run'"],
    ['a global variable', "globalThis.left = 'by a run'"],
    ['a listener of the process', "process.on('warning', () => undefined)"],
  ])('starts new ones where the code of the first left %s', async (_, code) => {
    expect(await startedByTheSecond(projectOf(code))).toBe(1)
  })

  it('starts new ones where the first kept much memory beside the heap', async () => {
    expect(await startedByTheSecond(projectOf('rows = kept.length', 'const kept = Buffer.alloc(80e6)'))).toBe(1)
  })

  it('starts new ones where a timer of the first does not return', async () => {
    const some = projectOf()
    const isCommitted = `process.getBuiltinModule('fs').existsSync(${JSON.stringify(join(some.out, 't/_SUCCESS'))})`
    // A timer that does not return before the job has ended would keep the run from its end.
    const code = `if (!${isCommitted}) setInterval(() => { if (${isCommitted}) for (;;); }, 1)`
    some.write({ 'pipeline.ts': pipelineText(code, '') })
    expect(await startedByTheSecond(some)).toBe(1)
  })

  it.each([
    ['a package', "import { count } from 'counts'"],
    [
      'a file that is required',
      "const { count } = process.getBuiltinModule('module').createRequire(import.meta.url)('./counts.cjs')",
    ],
    ['a file that is imported by its path', "const { count } = await import(import.meta.dirname + '/counts.mjs')"],
  ])('counts anew in %s, and reads it as it is then', async (_, top) => {
    const some = projectOf('rows = count.next++', top)
    const write = (next: number): void =>
      some.write({
        'node_modules/counts/package.json': '{ "name": "counts", "version": "1.0.0", "main": "counts.cjs" }',
        'node_modules/counts/counts.cjs': `exports.count = { next: ${next} }`,
        'counts.cjs': `exports.count = { next: ${next} }`,
        'counts.mjs': `export const count = { next: ${next} }`,
      })
    write(0)
    await startedByTheSecond(some, () => write(100))
    expect((await some.rows()).map(row => row.rows)).toEqual([101, 102])
  })
})

it('keeps no program alive after its last run', () => {
  const { folder, out } = projectOf()
  const program = `
    import { run } from ${JSON.stringify(entryUrl('fanmill'))}
    const threads = []
    process.on('worker', thread => threads.push(thread))
    const options = { input: '.', output: ${JSON.stringify(out)}, workers: 1, force: true }
    for (let n = 0; n < 2; n++) console.log((await run('pipeline.ts', options)).status)
    console.log(threads.length, process.getActiveResourcesInfo().filter(kind => !/^(Pipe|TTY)Wrap$/.test(kind)))
    process.on('exit', () => console.log('threads at the end:', threads.filter(({ threadId }) => threadId > 0).length))
  `
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: folder, encoding: 'utf8' })
  expect(text.trim().split('\n')).toEqual(['complete', 'complete', '1 []', 'threads at the end: 1'])
})
