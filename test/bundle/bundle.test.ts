import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Bundle, bundlePipeline } from '../../lib/bundle/bundle.ts'
import { loadPipeline } from '../../lib/bundle/bundle-load.ts'
import { codeHashes } from '../../lib/bundle/task-hasher.ts'

// Some tests load a bundle in a process of their own, which has the sources.
vi.unmock('../../lib/bundle/entry-url.ts')

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill bundle-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const season = `const seasons = 4
/** 0 is winter. */
export function season(month: number): number {
  return month % seasons
}
`
const lake = `import { parquet } from 'fanmill'
export const lake = parquet({ path: '{task}' })
`
const flights = `import { column, csv, files, task } from 'fanmill'
import { lake } from '../lake.ts'
import { season } from '../season.ts'

export const flights = task({
  name: 'flights',
  source: files({ paths: 'flights/*.csv', format: csv() }),
  columns: { month: column.int32() },
  output: lake,
}).mapRows(row => ({ ...row, season: season(row.month) }), { adds: { season: column.int32() } })
`
const delays = `import { column, csv, files, task } from 'fanmill'
import { lake } from '../lake.ts'
const paths = 'delays/*.csv'
export const delays = task({
  name: 'delays',
  source: files({ paths, format: csv() }),
  columns: { delay: column.int32() },
  output: lake,
})
`
const main = `import { pipeline } from 'fanmill'
import { delays } from './tasks/delays.ts'
import { flights } from './tasks/flights.ts'
export default pipeline({ name: 'flights', tasks: [flights, delays] })
`
const pipelineFiles = {
  'main.ts': main,
  'season.ts': season,
  'lake.ts': lake,
  'tasks/flights.ts': flights,
  'tasks/delays.ts': delays,
}

describe('bundlePipeline', () => {
  it('bundles several files into one module that shares its definitions with this library', async () => {
    write(pipelineFiles)
    const bundle = await bundled()
    const loaded = await loadPipeline(bundle)
    expect(loaded.tasks.map(task => task.name)).toEqual(['flights', 'delays'])
    expect(bundle.files.map(file => file.slice(folder.length + 1)).sort()).toEqual(Object.keys(pipelineFiles).sort())
    expect(bundle.file).toBe(join(folder, 'main.ts'))
    expect(existsSync(bundle.sourceMap)).toBe(true)
  })

  it('names the bundle after its content', async () => {
    write(pipelineFiles)
    const first = await bundled()
    expect((await bundled()).url).toBe(first.url)
    write({ 'season.ts': season.replace('4', '5') })
    expect((await bundled()).url).not.toBe(first.url)
  })

  it('removes the temporary files of a killed process, and keeps those of a running one', async () => {
    write(pipelineFiles)
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    const names = [pid, process.pid].map(number => `${encodeURIComponent(hostname())}~${number}~left`)
    const out = dirname(fileURLToPath((await bundled()).url))
    for (const name of names) writeFileSync(join(out, name), 'half')
    await bundled()
    expect(readdirSync(out).filter(name => name.endsWith('~left'))).toEqual([names[1]])
  })

  it('imports installed packages from where they are installed, wherever the bundle is', async () => {
    write({
      ...installed('adder', '1.0.0', 'export const add = (a, b) => a + b'),
      'main.ts': valuePipeline("import { add } from 'adder'", 'String(add(20, 22))'),
    })
    expect(await version(await bundled())).toBe('42')
  })

  it('bundles TypeScript of a workspace that is linked into node_modules', async () => {
    write({
      'packages/shared/package.json': '{ "name": "shared", "type": "module", "exports": "./index.ts" }',
      'packages/shared/index.ts':
        "import { tell } from './tell.ts'\nenum Level { Low = 7 }\nexport const level = tell(Level.Low)",
      'packages/shared/tell.ts': 'export const tell = (level: number): string => "level " + level',
      'main.ts': valuePipeline("import { level } from 'shared'", 'level'),
    })
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(join(folder, 'packages/shared'), join(folder, 'node_modules/shared'))
    expect(await version(await bundled())).toBe('level 7')
  })

  it('follows the paths of a tsconfig.json', async () => {
    write({
      'tsconfig.json': '{ "compilerOptions": { "paths": { "#own/*": ["./src/*"], "@/*": ["./src/*"] } } }',
      'src/seven.ts': 'export const seven = 7',
      'main.ts': valuePipeline(
        "import { seven } from '@/seven'\nimport { seven as again } from '#own/seven'",
        'String(seven + again)',
      ),
    })
    expect(await version(await bundled())).toBe('14')
  })

  it('bundles CommonJS sources that call require', async () => {
    write({
      'old.cjs': "const { sep } = require('node:path').posix\nmodule.exports = { sep, six: require('six') }",
      ...installed('six', '6.0.0', 'module.exports = 6', 'commonjs'),
      'main.ts': valuePipeline("import old from './old.cjs'", 'old.sep + old.six'),
    })
    expect(await version(await bundled())).toBe('/6')
  })

  it('keeps import.meta and __dirname of a source pointing at that source', async () => {
    write({
      'deep/here.ts': "export const here = [import.meta.url, import.meta.dirname, __filename, __dirname].join('\\n')",
      'main.ts': valuePipeline("import { here } from './deep/here.ts'", 'here'),
    })
    const file = join(folder, 'deep/here.ts')
    const expected = [pathToFileURL(file).href, dirname(file), file, dirname(file)]
    expect((await version(await bundled())).split('\n')).toEqual(expected)
  })

  it('refuses a syntax error with file, line and column', async () => {
    write({ ...pipelineFiles, 'season.ts': 'export const season = (\n  month: number => month\n' })
    await expect(bundled()).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'DEFINITION_LOAD',
      message: expect.stringContaining('season.ts:2:17: Expected ")" but found "=>"'),
      detail: { file: join(folder, 'season.ts'), line: 2, column: 17 },
    })
  })

  it('refuses a missing import, naming file, line and column of the import', async () => {
    write({ 'main.ts': "import { seven } from './sevn.ts'\nexport default seven" })
    await expect(bundled()).rejects.toMatchObject({
      code: 'DEFINITION_LOAD',
      message: expect.stringContaining('main.ts:1:23: Could not resolve "./sevn.ts"'),
    })
  })

  it.each([
    ['not-installed', 'not-installed'],
    ['@some/not-installed/deep/file.js', '@some/not-installed'],
  ])('refuses %s, which is not installed, and says how to install the package', async (path, name) => {
    write({ 'main.ts': `import '${path}'` })
    await expect(bundled()).rejects.toMatchObject({
      code: 'DEFINITION_LOAD',
      message: `cannot load ${join(folder, 'main.ts')}:1:8: Could not resolve "${path}"; install the package: npm install ${name}`,
    })
  })

  it('bundles a pipeline in a folder whose name has a star', async () => {
    write({
      '*years/main.ts': "import { seven } from './seven.ts'\nexport default seven",
      '*years/seven.ts': 'export const seven = 7',
    })
    const { files } = await bundlePipeline(join(folder, '*years/main.ts'), { outFolder: join(folder, 'out') })
    expect(files.toSorted()).toEqual([join(folder, '*years/main.ts'), join(folder, '*years/seven.ts')])
  })

  it('refuses a pipeline file that does not exist', async () => {
    const file = join(folder, 'main.ts')
    await expect(bundled()).rejects.toMatchObject({
      code: 'DEFINITION_LOAD',
      message: `expected a pipeline file, found none at ${file}`,
    })
  })
})

describe('loadPipeline', () => {
  it('accepts a single task as a pipeline of one task', async () => {
    write({ ...pipelineFiles, 'main.ts': "import { flights } from './tasks/flights.ts'\nexport default flights" })
    const loaded = await loadPipeline(await bundled())
    expect(loaded).toMatchObject({ kind: 'pipeline', name: 'flights', tasks: [{ kind: 'task', name: 'flights' }] })
  })

  it('names what was exported instead of a pipeline, and what to add', async () => {
    write({
      ...pipelineFiles,
      'main.ts': "export { flights } from './tasks/flights.ts'\nexport { delays } from './tasks/delays.ts'",
    })
    await expect(loadPipeline(await bundled())).rejects.toMatchObject({
      code: 'DEFINITION_LOAD',
      message: `expected ${join(folder, 'main.ts')} to export a pipeline as default, got no default export and the tasks delays, flights; add \`export default pipeline({ name: '…', tasks: [delays, flights] })\``,
    })
    write({ 'main.ts': 'export default [1]' })
    await expect(loadPipeline(await bundled())).rejects.toThrow(/as default, got an array; add/)
  })

  it('suggests the nearest export of fanmill for an unknown one', async () => {
    write({ 'main.ts': "import { pipelin } from 'fanmill'\nexport default pipelin({})" })
    expect(loadInOwnProcess((await bundled()).url)).toMatchObject({
      code: 'DEFINITION_LOAD',
      message: expect.stringMatching(/expected an export of fanmill, got pipelin; did you mean pipeline$/),
    })
  })

  it('reports what a module throws with its cause and its position in the TypeScript source', async () => {
    write({
      'main.ts': "import './deep/fails.ts'\nexport default 1",
      'deep/fails.ts':
        "interface Unused {\n  readonly a: number\n}\n\nfunction fail(): never {\n  throw new RangeError('no such month')\n}\nfail()",
    })
    const failed = loadInOwnProcess((await bundled()).url)
    const file = join(folder, 'deep/fails.ts')
    expect(failed).toMatchObject({
      name: 'PermanentError',
      code: 'DEFINITION_LOAD',
      message: `cannot load ${file}:6:9: RangeError: no such month`,
      detail: { file, line: 6, column: 9 },
      cause: { name: 'RangeError', message: 'no such month' },
    })
    expect(failed.stack).toContain(`${file}:6:9`)
  })

  it('throws a definition error unchanged', async () => {
    write({
      'main.ts': "import { pipeline } from 'fanmill'\nexport default pipeline({ nam: 'x', tasks: [] } as never)",
    })
    await expect(loadPipeline(await bundled())).rejects.toMatchObject({ code: 'DEFINITION_INVALID' })
  })
})

describe('codeHashes', () => {
  it('change for the tasks that use an edited helper, and for no others', async () => {
    await expectEdit({ 'season.ts': season.replace('seasons = 4', 'seasons = 5') }, ['flights'])
  })

  it('do not change with comments or formatting', async () => {
    const reformatted = season
      .replace('0 is winter', 'winter is 0')
      .replace('return', 'return   ')
      .replaceAll('\n', '\r\n')
    await expectEdit({ 'season.ts': reformatted, 'main.ts': `// The whole.\n${main}` }, [])
  })

  it('do not change when another task changes, even in the same file', async () => {
    await expectEdit({ 'tasks/delays.ts': delays.replace('delays/*', 'late/*') }, ['delays'])
    const both = `${flights}${delays}export default pipeline({ name: 'flights', tasks: [flights, delays] })`
      .replace(/import .* from 'fanmill'/g, '')
      .replace("import { lake } from '../lake.ts'", '')
      .replaceAll("'../", "'./")
    const one = { 'main.ts': `import { column, csv, files, pipeline, task } from 'fanmill'\n${both}` }
    await expectEdit({ 'main.ts': one['main.ts'].replace('delays/*', 'late/*') }, ['delays'], one)
  })

  it('do not change when another module declares the same names', async () => {
    const clashing = delays.replace(
      'const paths',
      'const [season, seasons, row, month, flights] = [1, 2, 3, 4, 5]\nglobalThis.taken = []\nconst paths',
    )
    write({ ...pipelineFiles, 'tasks/delays.ts': delays.replace('const paths', 'globalThis.taken = []\nconst paths') })
    const before = await hashes()
    write({ 'tasks/delays.ts': clashing })
    expect((await hashes()).get('flights')).toBe(before.get('flights'))
  })

  it('change for all tasks that share a changed output', async () => {
    await expectEdit({ 'lake.ts': lake.replace("'{task}'", "'lake/{task}'") }, ['flights', 'delays'])
  })

  it('are found for tasks that are re-exported under other names', async () => {
    const exporting = {
      'main.ts': `${main}export { flights as renamed } from './tasks/flights.ts'\nexport * from './tasks/delays.ts'`,
    }
    await expectEdit({ 'season.ts': season.replace('seasons = 4', 'seasons = 5') }, ['flights'], exporting)
  })

  it('are found for tasks that a factory function creates', async () => {
    const made = `import { column, csv, files, pipeline, task } from 'fanmill'
import { lake } from './lake.ts'
const make = (name: string, paths: string) =>
  task({ name, source: files({ paths, format: csv() }), columns: { a: column.int32() }, output: lake })
export default pipeline({ name: 'made', tasks: [make('flights', 'a/*.csv'), make('delays', 'b/*.csv')] })`
    await expectEdit({ 'main.ts': made.replace('b/*', 'c/*') }, ['delays'], { 'main.ts': made })
    await expectEdit({ 'main.ts': made.replace('int32', 'int64') }, ['flights', 'delays'], { 'main.ts': made })
  })

  it('change with the installed version of a package that the task uses', async () => {
    const using = { 'season.ts': `import { seasons } from 'calendar'\n${season.replace('const seasons = 4', '')}` }
    write(installed('calendar', '1.0.0', 'export const seasons = 4'))
    await expectEdit(installed('calendar', '1.0.1', 'export const seasons = 4'), ['flights'], using)
  })

  it('do not depend on the folder of the pipeline', async () => {
    write({ ...pipelineFiles, 'season.ts': `${season}export const here = import.meta.url\n` })
    const here = await hashes()
    const elsewhere = mkdtempSync(join(tmpdir(), 'fanmill-elsewhere-'))
    cpSync(folder, elsewhere, { recursive: true })
    const there = await bundlePipeline(join(elsewhere, 'main.ts'), { outFolder: join(elsewhere, 'out') })
    expect(await codeHashes(there, await loadPipeline(there))).toEqual(here)
    rmSync(elsewhere, { recursive: true })
  })

  it('depend only on `version` where a task sets it', async () => {
    const versioned = { 'tasks/flights.ts': flights.replace("name: 'flights',", "name: 'flights', version: '1',") }
    await expectEdit({ 'season.ts': season.replace('seasons = 4', 'seasons = 5') }, [], versioned)
    await expectEdit(
      { 'tasks/flights.ts': versioned['tasks/flights.ts'].replace("'1'", "'2'") },
      ['flights'],
      versioned,
    )
  })
})

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

function bundled(): Promise<Bundle> {
  return bundlePipeline(join(folder, 'main.ts'), { outFolder: join(folder, 'out', 'deep') })
}

async function hashes(): Promise<ReadonlyMap<string, string>> {
  const bundle = await bundled()
  return codeHashes(bundle, await loadPipeline(bundle))
}

/** Writes `first` over the pipeline, then `edit`, and expects that the hashes of just these tasks change. */
async function expectEdit(
  edit: Readonly<Record<string, string>>,
  changed: readonly string[],
  first: Readonly<Record<string, string>> = {},
): Promise<void> {
  write({ ...pipelineFiles, ...first })
  const before = await hashes()
  write(edit)
  const after = await hashes()
  expect([...after].filter(([name, hash]) => before.get(name) !== hash).map(([name]) => name)).toEqual(changed)
}

function installed(name: string, version: string, source: string, type = 'module'): Record<string, string> {
  const own = join('node_modules', name)
  return {
    [join(own, 'package.json')]: JSON.stringify({ name, version, type, main: 'index.js' }),
    [join(own, 'index.js')]: source,
  }
}

/** A pipeline whose task carries a value of the module as its `version`. */
function valuePipeline(imports: string, value: string): string {
  return `import { column, csv, files, parquet, task } from 'fanmill'
${imports}
export default task({
  name: 'value', version: ${value}, source: files({ paths: '*.csv', format: csv() }),
  columns: { a: column.int32() }, output: parquet({ path: 'value' }),
})`
}

async function version(bundle: Bundle): Promise<string> {
  return (await loadPipeline(bundle)).tasks[0]!.version!
}

/** Loads a bundle where no test runner rewrites stacks and modules: what a worker or the command line sees. */
function loadInOwnProcess(url: string): Record<string, unknown> {
  const sibling = (name: string): string => new URL(`../../lib/${name}`, import.meta.url).href
  const script = `import { loadPipeline } from ${JSON.stringify(sibling('bundle/bundle-load.ts'))}
import { toPlain } from ${JSON.stringify(sibling('errors/errors.ts'))}
const bundle = ${JSON.stringify({ file: basename(url), url, files: [join(folder, 'main.ts'), join(folder, 'deep/fails.ts')] })}
console.log(JSON.stringify(await loadPipeline(bundle).catch(toPlain)))`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }))
}
