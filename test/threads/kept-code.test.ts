import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, inject, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let folder: string
let compiled: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-kept-code-'))
  compiled = join(folder, 'fanmill/compiled')
})

/** Options of a process with caches of its own. */
function options(env: NodeJS.ProcessEnv = {}) {
  const own = { ...process.env, NODE_COMPILE_CACHE: undefined, XDG_CACHE_HOME: folder, ...env }
  return { cwd: folder, encoding: 'utf8', env: own } as const
}

/** Runs Node, and returns what it prints. */
const node = (args: readonly string[], env?: NodeJS.ProcessEnv): string =>
  execFileSync(process.execPath, args, options(env))

/** Number of processes whose functions are kept in each file, by the name of its script. */
function kept(): Record<string, number> {
  const files = readdirSync(compiled).filter(name => name.includes('.cjs-'))
  return Object.fromEntries(
    files.map(name => [name.slice(0, name.indexOf('-v')), readFileSync(join(compiled, name)).readUInt32LE(4)]),
  )
}

describe('a script whose compiled code is kept', () => {
  const loader = `
    import { createRequire } from 'node:module'
    import { loadKept } from '${root}/lib/threads/kept-code.ts'
    const tools = { url: import.meta.url, require: createRequire(import.meta.url), import: name => import(name) }
    export const { double } = loadKept(new URL('./double.cjs', import.meta.url), tools)`
  const script = (factor: number) =>
    `(function (exports, require, module, __url, __import) {
      exports.double = async value => ${factor} * value + (await __import('node:path')).sep.length
    })`

  beforeEach(() => {
    writeFileSync(join(folder, 'double.cjs'), script(2))
    writeFileSync(join(folder, 'double.mjs'), loader)
    writeFileSync(join(folder, 'main.mjs'), `import { double } from './double.mjs'\nconsole.log(await double(20))`)
  })
  const run = (env?: NodeJS.ProcessEnv): string => node(['main.mjs'], env).trim()

  it('is written by the first four processes, which all get the same answers', () => {
    const answers = Array.from({ length: 6 }, () => [run(), kept()['double.cjs']])
    expect(answers).toEqual([1, 2, 3, 4, 4, 4].map(processes => ['41', processes]))
  })

  it('is made again when the script changes or the file is damaged', () => {
    run()
    run()
    const [name] = readdirSync(compiled)
    const file = join(compiled, name!)
    const bytes = readFileSync(file)
    bytes[bytes.length - 20]! ^= 1
    writeFileSync(file, bytes)
    expect([run(), kept()]).toEqual(['41', { 'double.cjs': 1 }])
    writeFileSync(file, '')
    expect([run(), kept()]).toEqual(['41', { 'double.cjs': 1 }])
    writeFileSync(join(folder, 'double.cjs'), script(3))
    expect(run()).toBe('61')
    expect(readdirSync(compiled)).toHaveLength(2)
  })

  it('is not kept where others may write the folder, or where Node is to keep no compiled code', () => {
    mkdirSync(compiled, { recursive: true })
    expect(run({ NODE_DISABLE_COMPILE_CACHE: '1' })).toBe('41')
    chmodSync(compiled, 0o777)
    expect(run()).toBe('41')
    expect(readdirSync(compiled)).toEqual([])
  })

  it('leaves no other file where it cannot be written', () => {
    run()
    const [name] = readdirSync(compiled)
    rmSync(join(compiled, name!))
    mkdirSync(join(compiled, name!))
    expect(run()).toBe('41')
    expect(readdirSync(compiled)).toEqual([name])
  })

  it('is written by a long process after some seconds, when the functions of its start are still known', () => {
    const faster = 'const { setTimeout: wait } = globalThis; globalThis.setTimeout = (work, ms) => wait(work, ms / 100)'
    writeFileSync(join(folder, 'faster.mjs'), faster)
    const waiting = `import { double } from './double.mjs'
console.log(await double(20))
setTimeout(() => process.kill(process.pid, 'SIGKILL'), 30_000)`
    writeFileSync(join(folder, 'long.mjs'), waiting)
    const { stdout, signal } = spawnSync(process.execPath, ['--import', './faster.mjs', 'long.mjs'], options())
    expect([stdout.trim(), signal]).toEqual(['41', 'SIGKILL'])
    expect(kept()).toEqual({ 'double.cjs': 1 })
  })

  it('is written by a thread when it answers, because a thread may be ended then', () => {
    const inThread = `import { Worker } from 'node:worker_threads'
const thread = new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
  import { parentPort } from 'node:worker_threads'
  const { double } = await import('\${new URL('./double.mjs', import.meta.url)}')
  parentPort.postMessage(await double(20))
\`)))
thread.once('message', answer => { console.log(answer); void thread.terminate() })`
    writeFileSync(join(folder, 'thread.mjs'), inThread)
    expect(node(['thread.mjs']).trim()).toBe('41')
    expect(kept()).toEqual({ 'double.cjs': 1 })
    expect(node(['thread.mjs']).trim()).toBe('41')
    expect(kept()).toEqual({ 'double.cjs': 2 })
  })
})

describe('the command line', () => {
  it('keeps the compiled code of a run and of its threads, with which the next run writes the same rows', () => {
    const main = join(inject('compiledFolder'), 'lib/cli/main.js')
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'data/a.csv'), 'city,visitors\nBern,3\nOslo,5\n')
    const pipeline = `import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export default pipeline({ name: 'visits', tasks: [task({ name: 'visits', source: files({ paths: '*.csv', format: csv() }),
  columns: { city: column.string(), visitors: column.int32() }, output: parquet({ path: 'visits' }) })] })`
    writeFileSync(join(folder, 'pipeline.mjs'), pipeline)
    const run = (output: string) => node([main, 'run', 'pipeline.mjs', '--input', 'data', '--output', output, '--json'])
    const ends = ['first', 'second'].map(output => JSON.parse(run(output).trimEnd().split('\n').at(-1)!))
    for (const end of ends) expect(end).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 2 }] })
    expect(kept()).toEqual({ 'run.cjs': 2, 'worker-kept.cjs': 2 })
  })
})
