import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBundle, type PipelineFiles } from '../../infra/make-bundle.ts'
import type { BundleLambdaAnswer } from '../../lib/bundle-lambda.ts'
import { ownArchitecture, pipelineFile } from './stacks.ts'

const script = join(import.meta.dirname, '../../lib/bundle-lambda.ts')
let folder: string
/** Shared with other files of tests, and not to be changed. */
let bundled: PipelineFiles
let bundledOther: BundleLambdaAnswer
const other = ownArchitecture === 'arm64' ? 'x86_64' : 'arm64'

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-asset-test-'))
  bundled = makeBundle({ entry: pipelineFile('visits.ts'), include: ['models/**'], architecture: ownArchitecture })
  symlinkSync(bundled.folder, join(folder, 'own'))
  bundle('again', { architecture: ownArchitecture })
  bundledOther = bundle('other', { architecture: other, external: ['cli-progress'] })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the asset of the functions', () => {
  it('holds handlers, thread entries, the pipeline with its source map, and the engine', () => {
    const names = filesIn('own')
    const entries = ['plan', 'process', 'commit', 'worker', 'worker-extract', 'pipeline'].map(name => `${name}.mjs`)
    expect(names).toEqual(expect.arrayContaining([...entries, 'pipeline.mjs.map']))
    expect(names).toContain(
      `node_modules/@duckdb/node-bindings-linux-${ownArchitecture === 'arm64' ? 'arm64' : 'x64'}/duckdb.node`,
    )
  })

  it('is below 50 MB zipped for both architectures, each with only its own binding', () => {
    expect(bundled.zippedBytes).toBeLessThan(50e6)
    const version = expect.stringMatching(/^\d+\.\d+\.\d+$/)
    expect(bundledOther).toMatchObject({
      pipeline: { name: 'visits' },
      shipFacts: { external: { 'cli-progress': version } },
    })
    const bindings = filesIn('other').filter(name => name.endsWith('duckdb.node'))
    expect(bindings).toEqual([
      `node_modules/@duckdb/node-bindings-linux-${other === 'arm64' ? 'arm64' : 'x64'}/duckdb.node`,
    ])
    const machine = readFileSync(join(folder, 'other', bindings[0]!)).readUInt16LE(18)
    // ELF e_machine: 183 is AArch64, 62 is x86-64.
    expect(machine).toBe(other === 'arm64' ? 183 : 62)
  })

  it('is the same bytes for the same sources, without a path of this machine', () => {
    const modules = filesIn('own').filter(name => !name.startsWith('node_modules'))
    expect(filesIn('again')).toEqual(filesIn('own'))
    for (const name of modules) expect(textOf('again', name), name).toBe(textOf('own', name))
    expect(modules.filter(name => textOf('own', name).includes(join(import.meta.dirname, '../..')))).toEqual([])
  })

  it('contains the sources that the pipeline imports, and the files that it includes', () => {
    expect(textOf('own', 'pipeline.mjs')).toContain('value * 2')
    expect(textOf('own', 'files/models/factor.txt')).toBe('3\n')
  })

  it('loads in another folder: the pipeline finds its files, and the engine starts', () => {
    const check = join(folder, 'again', 'check.mjs')
    writeFileSync(
      check,
      `import { DuckDBInstance } from '@duckdb/node-api'
      const { default: pipeline } = await import('./pipeline.mjs')
      const connection = await (await DuckDBInstance.create(':memory:')).connect()
      const reader = await connection.runAndReadAll('select 40 + 2 as answer')
      const { handler } = await import('./process.mjs')
      console.log(JSON.stringify({ name: pipeline.name, rows: reader.getRowObjectsJson(), handler: typeof handler }))`,
    )
    const answer = JSON.parse(execFileSync(process.execPath, [check], { cwd: tmpdir(), encoding: 'utf8' }))
    rmSync(check)
    expect(answer).toEqual({ name: 'visits', rows: [{ answer: 42 }], handler: 'function' })
  })

  it('has the definition and the code hash of each task', () => {
    expect(bundled.pipeline.tasks.map(task => task.name)).toEqual(['visits', 'pictures'])
    expect(Object.keys(JSON.parse(textOf('own', 'code-hashes.json')))).toEqual(['visits', 'pictures'])
  })

  it('is refused with the glob of include that matches nothing, or the external that is not installed', () => {
    expect(bundle('none', { architecture: ownArchitecture, include: ['modles/**'] })).toMatchObject({
      error: { code: 'DEFINITION_LOAD', message: expect.stringContaining('modles/**') },
    })
    expect(bundle('gone', { architecture: ownArchitecture, external: ['no-such-package'] })).toMatchObject({
      error: { message: expect.stringContaining('no-such-package') },
    })
  })

  it('contains an external package as it is, with its dependencies', () => {
    expect(filesIn('other')).toEqual(
      expect.arrayContaining(['node_modules/cli-progress/package.json', 'node_modules/string-width/package.json']),
    )
  })
})

function bundle(name: string, options: Readonly<Record<string, unknown>>): BundleLambdaAnswer {
  const request = {
    entry: pipelineFile('visits.ts'),
    include: ['models/**'],
    outFolder: join(folder, name),
    ...options,
  }
  const output = execFileSync(process.execPath, [script, JSON.stringify(request)], { encoding: 'utf8' })
  return JSON.parse(output.trimEnd().split('\n').at(-1)!) as BundleLambdaAnswer
}

function filesIn(name: string): string[] {
  const entries = readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(join(folder, name).length + 1))
    .sort()
}

const textOf = (name: string, file: string): string => readFileSync(join(folder, name, file), 'utf8')
