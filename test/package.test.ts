import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const consumer = `import { column, csv, files, parquet, pipeline, task } from 'fanmill'
import { double } from './double.ts'

const visits = task({
  name: 'visits',
  source: files({ paths: 'visits/*.csv', format: csv() }),
  columns: { city: column.string(), visitors: column.int32() },
  output: parquet({ path: 'visits' }),
}).mapRows(row => ({ ...row, twice: double(row.visitors ?? 0) }), { adds: { twice: column.int32() } })

// @ts-expect-error: a misspelt option is a type error for those who install the package
export const misspelt = () => task({ nam: 'visits' })

export default pipeline({ name: 'visits', tasks: [visits] })
`

let folder: string
let installedIn: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-package-'))
  installedIn = join(folder, 'consumer')
  const dist = join(folder, 'dist')
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), '--out', dist], { stdio: 'pipe' })
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], dist)) as { filename: string }[]
  mkdirSync(installedIn)
  writeFileSync(join(installedIn, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }')
  npm(['install', '--prefer-offline', join(folder, packed!.filename)], installedIn)
  // Peer dependencies of `fanmill/cdk`, which an app brings.
  for (const peer of ['aws-cdk-lib', 'constructs'])
    symlinkSync(join(root, 'node_modules', peer), join(installedIn, 'node_modules', peer))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the packed package, installed elsewhere', () => {
  it('shows its help', () => {
    expect(npx(['fanmill', '--help'])).toMatch(/^Usage: fanmill/)
  })

  it.each([
    ['the command line', 'lib/cli/main.js', 2],
    ['npx', '../.bin/fanmill', 2],
    ['fanmill', 'lib/fanmill.js', 1],
    ['fanmill/testing', 'lib/testing.js', 1],
    ['fanmill/cdk', 'infra/index.js', 1],
    ['a handler', 'functions/process.js', 1],
  ])('says in one plain line that Node is too old, when %s is loaded by one', (_, file, exitCode) => {
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.4' } })`
    const arguments_ = [
      '--import',
      `data:text/javascript,${encodeURIComponent(older)}`,
      join(installedIn, 'node_modules/fanmill', file),
    ]
    const { status, stderr } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' })
    expect(stderr).toContain('fanmill needs Node 22.15.0 or newer, and this is Node 20.19.4: install a newer Node')
    expect(stderr).not.toMatch(/^ +at /m)
    expect(status).toBe(exitCode)
  })

  it('can be required by a CommonJS program', () => {
    const program = `const { run, column } = require('fanmill'); console.log(typeof run, column.string().kind)`
    const options = { cwd: installedIn, encoding: 'utf8' } as const
    expect(execFileSync(process.execPath, ['--input-type=commonjs', '-e', program], options)).toBe('function column\n')
  })

  it('holds compiled code and declarations, and no TypeScript source', () => {
    const files = readdirSync(join(installedIn, 'node_modules/fanmill'), { recursive: true, encoding: 'utf8' })
    expect(files).toEqual(
      expect.arrayContaining(['lib/index.js', 'lib/index.d.ts', 'lib/worker.js', 'lib/cli/main.js', 'LICENSE']),
    )
    expect(files.filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([])
  })

  it('has documentation whose links lead to files of the package', () => {
    const there = join(installedIn, 'node_modules/fanmill')
    const pages = ['README.md', ...readdirSync(join(there, 'docs')).map(name => `docs/${name}`)]
    const broken = pages.flatMap(page => {
      const links = [...readFileSync(join(there, page), 'utf8').matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
      const files = links.map(([, link = '']) => link).filter(link => !/^https?:/.test(link))
      return files.filter(link => !existsSync(join(there, page, '..', link))).map(link => `${page}: ${link}`)
    })
    expect(pages.length).toBeGreaterThan(10)
    expect(broken).toEqual([])
  })

  it('runs a pipeline in TypeScript, and again says that it is complete', () => {
    write({
      'pipeline.ts': consumer,
      'double.ts': 'export const double = (value: number): number => value * 2\n',
      'data/visits/a.csv': 'visitors,city\n3,Bern\n5,Oslo\n',
      'data/visits/b.csv': 'city,visitors\n"Paris, France",8\n',
    })
    const arguments_ = ['fanmill', 'run', 'pipeline.ts', '--input', 'data', '--output', 'out', '--json']
    expect(lastEvent(npx(arguments_))).toMatchObject({ event: 'end', status: 'complete', tasks: [{ rowsWritten: 3 }] })
    expect(lastEvent(npx(arguments_))).toMatchObject({ event: 'end', status: 'skipped' })
  })

  it('is used from a program: plan, status, runs, rejects, clean, openDataset, infer and unzip', () => {
    write({
      'program.mjs': `import { writeFileSync } from 'node:fs'
import { clean, infer, openDataset, plan, rejects, runs, status, unzip } from 'fanmill'
const planned = await plan('pipeline.ts', { input: 'data', output: 'out' })
const { runId } = await status()
const rows = []
for await (const row of (await openDataset('out/visits')).rows({ columns: ['visitors'] })) rows.push(row.visitors)
const { columns } = await infer('data/visits/a.csv')
writeFileSync('empty.zip', Buffer.from('504b0506' + '00'.repeat(18), 'hex'))
const failure = await unzip('empty.zip', 'extracted', { members: '*.csv' }).catch(error => error.code)
console.log(JSON.stringify({
  files: planned.tasks[0].inputs, isLatest: (await runs({ limit: 1 }))[0].runId === runId, rows: rows.sort(), failure,
  rejects: await rejects({ runId }), removed: (await clean({ dryRun: true })).removed, columns: Object.keys(columns),
}))
`,
    })
    const output = execFileSync(process.execPath, ['program.mjs'], { cwd: installedIn, encoding: 'utf8' })
    expect(JSON.parse(output)).toEqual({
      ...{ files: 2, isLatest: true, rows: [3, 5, 8], failure: 'NO_INPUT' },
      ...{ rejects: [], removed: [], columns: ['visitors', 'city'] },
    })
  })

  it('wrote exactly the rows', async () => {
    const dataset = join(installedIn, 'out/visits')
    const { parts } = JSON.parse(readFileSync(join(dataset, '_SUCCESS'), 'utf8')) as { parts: { key: string }[] }
    const rows = await Promise.all(parts.map(part => readParquet(join(dataset, part.key))))
    const sorted = rows.flat().sort((a, b) => Number(a.visitors) - Number(b.visitors))
    expect(sorted).toEqual([
      { city: 'Bern', visitors: 3, twice: 6 },
      { city: 'Oslo', visitors: 5, twice: 10 },
      { city: 'Paris, France', visitors: 8, twice: 16 },
    ])
  })

  it('bundles the functions of a pipeline: its own files are found beside each other', () => {
    const outFolder = join(folder, 'asset')
    const request = {
      entry: join(installedIn, 'pipeline.ts'),
      outFolder,
      architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
    }
    const script = join(installedIn, 'node_modules/fanmill/lib/bundle-lambda.js')
    const answer = execFileSync(process.execPath, [script, JSON.stringify(request)], { encoding: 'utf8' })
    expect(JSON.parse(answer)).toMatchObject({ pipeline: { name: 'visits' } })
    const files = readdirSync(outFolder).filter(file => file.endsWith('.mjs'))
    expect(files).toEqual(expect.arrayContaining(['plan.mjs', 'process.mjs', 'commit.mjs', 'worker.mjs']))
    const code = files.map(file => readFileSync(join(outFolder, file), 'utf8')).join('\n')
    expect(code).not.toMatch(/#entry-url|#errors/)
    // The engine's binding is beside the thread's file.
    const load = `import(${JSON.stringify(join(outFolder, 'worker.mjs'))}).then(({ work }) => console.log(typeof work))`
    const inThread = `new (require('node:worker_threads').Worker)(${JSON.stringify(load)}, { eval: true, workerData: {} })`
    expect(execFileSync(process.execPath, ['-e', inThread], { encoding: 'utf8' })).toBe('function\n')
  })

  it('keeps the class of a fault that the setup of a pipeline throws in a thread', () => {
    const setup = `,\n  setup: () => { throw new PermanentError('INPUT_INVALID', 'the rates are of last year') },\n  output:`
    const text = consumer.replace('parquet, pipeline', 'parquet, PermanentError, pipeline')
    write({ 'faulty.ts': text.replace(',\n  output:', setup) })
    const arguments_ = ['run', 'faulty.ts', '--input', 'data', '--output', 'out-faulty', '--json']
    const { stdout } = spawnSync('npx', ['--no-install', 'fanmill', ...arguments_], {
      cwd: installedIn,
      encoding: 'utf8',
      env: ownEnvironment(),
    })
    expect(lastEvent(stdout)).toMatchObject({ error: { code: 'INPUT_INVALID', message: 'the rates are of last year' } })
  })

  it('creates a project that runs, tests, type-checks and synthesizes, by create-fanmill', () => {
    const create = join(installedIn, 'node_modules/create-fanmill')
    execFileSync(process.execPath, [join(root, 'scripts/build-create.ts'), '--out', create])
    const made = join(folder, 'made')
    const run = (file: string, ...arguments_: string[]): string =>
      execFileSync(process.execPath, [file, ...arguments_], { cwd: made, encoding: 'utf8', env: ownEnvironment() })
    mkdirSync(join(made, 'node_modules'), { recursive: true })
    run(join(create, 'create.js'), join(installedIn, 'data/visits/a.csv'), '.')
    symlinkSync(join(installedIn, 'node_modules/fanmill'), join(made, 'node_modules/fanmill'))
    for (const name of ['aws-cdk-lib', 'constructs', 'typescript', 'vitest', '@types'])
      symlinkSync(join(root, 'node_modules', name), join(made, 'node_modules', name))
    run(join(made, 'node_modules/fanmill/lib/cli/main.js'), 'run', 'pipelines/a.ts')
    expect(readdirSync(join(made, 'out/a'))).toContain('_SUCCESS')
    run(join(root, 'node_modules/vitest/vitest.mjs'), 'run')
    expect(run(join(root, 'node_modules/typescript/bin/tsc'), '--noEmit')).toBe('')
    const app = { cwd: made, env: { ...ownEnvironment(), CDK_OUTDIR: join(made, 'cdk.out') } }
    execFileSync(process.execPath, ['app.ts'], app)
    const { Resources } = JSON.parse(readFileSync(join(made, 'cdk.out/A.template.json'), 'utf8'))
    const types = Object.values(Resources as Record<string, { Type: string }>).map(({ Type }) => Type)
    expect(types).toContain('AWS::StepFunctions::StateMachine')
  })

  it('ships the licences of the packages whose code is in its files', () => {
    const text = readFileSync(join(installedIn, 'node_modules/fanmill/THIRD-PARTY-LICENSES'), 'utf8')
    expect(text).toMatch(/^@duckdb\/node-api$[\s\S]+MIT[\s\S]+^yauzl$/m)
    expect(text).toMatch(/^libdeflate\n\nCopyright 2016 Eric Biggers$/m)
  })

  it('checks the types of those who use it', () => {
    const compiler = join(fileURLToPath(import.meta.resolve('typescript/package.json')), '../bin/tsc')
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck']
    const arguments_ = [compiler, ...flags, '--allowImportingTsExtensions', 'pipeline.ts']
    expect(execFileSync(process.execPath, arguments_, { cwd: installedIn, encoding: 'utf8' })).toBe('')
  })
})

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(installedIn, name, '..'), { recursive: true })
    writeFileSync(join(installedIn, name), text)
  }
}

function npm(arguments_: readonly string[], cwd: string): string {
  return execFileSync('npm', arguments_, { cwd, encoding: 'utf8', stdio: 'pipe', env: ownEnvironment() })
}

function npx(arguments_: readonly string[]): string {
  const options = { cwd: installedIn, encoding: 'utf8', stdio: 'pipe', env: ownEnvironment() } as const
  return execFileSync('npx', ['--no-install', ...arguments_], options)
}

/** Without what `npm test` tells its children about this repository. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const isOurs = (name: string): boolean => /^(npm_(package|lifecycle)_|npm_config_local_prefix$|INIT_CWD$)/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
}

function lastEvent(output: string): unknown {
  return JSON.parse(output.trimEnd().split('\n').at(-1)!)
}

async function readParquet(path: string): Promise<Record<string, unknown>[]> {
  const { buffer, byteOffset, byteLength } = readFileSync(path)
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
  return parquetReadObjects({ file, compressors })
}
