import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { bundlePipeline } from '../../lib/bundle/bundle.ts'

vi.mock('esbuild', { spy: true })

let project: string

const sources = {
  'main.ts': `import { rate } from './rates'
import { name } from './names.js'
import { year } from 'calendar'
import shop from 'shop'
import table from './table.json'
export default [rate, name, year, shop, table.size].join()
`,
  'rates/index.ts': 'export const rate: number = 1\n',
  'names.ts': `export const name: string = 'Ann'\n`,
  'table.json': '{ "size": 3 }\n',
  'node_modules/calendar/package.json': '{ "name": "calendar", "version": "1.0.0", "main": "a.js" }\n',
  'node_modules/calendar/a.js': 'exports.year = 2001\n',
  'node_modules/calendar/b.js': 'exports.year = 2002\n',
  'workspace/shop/index.ts': `export default 'Bern'\n`,
  'workspace/other/index.ts': `export default 'Oslo'\n`,
}

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'fanmill-cache-'))
  write(sources)
  link('workspace/shop')
  vi.mocked(build).mockClear()
  // The clock is ahead, so that the files were written long before.
  const ahead = Date.now() + 60_000
  vi.spyOn(Date, 'now').mockImplementation(() => ahead)
})

describe('the bundle of an earlier process', () => {
  it('is used without the bundler as long as nothing has changed', async () => {
    const first = await bundled()
    expect(build).toHaveBeenCalledTimes(2)
    expect(await bundled()).toEqual(first)
    expect(build).toHaveBeenCalledTimes(2)
    expect(await loaded()).toBe('1,Ann,2001,Bern,3')
  })

  it('is not used while a file is so new that it may have changed during the build', async () => {
    vi.mocked(Date.now).mockRestore()
    await bundled()
    await bundled()
    expect(build).toHaveBeenCalledTimes(4)
  })

  it.each<[what: string, change: () => void, result: string]>([
    ['an imported file', () => write({ 'rates/index.ts': 'export const rate = 2\n' }), '2,Ann,2001,Bern,3'],
    ['a file of JSON', () => write({ 'table.json': '{ "size": 4 }' }), '1,Ann,2001,Bern,4'],
    ['a new file that is found first', () => write({ 'rates.ts': 'export const rate = 5' }), '5,Ann,2001,Bern,3'],
    [
      'a new file with the ending of the import',
      () => write({ 'names.js': `export const name = 'Eve'` }),
      '1,Eve,2001,Bern,3',
    ],
    ['where a linked package of a workspace leads', () => link('workspace/other'), '1,Ann,2001,Oslo,3'],
    [
      'the package.json of an installed package',
      () =>
        write({ 'node_modules/calendar/package.json': '{ "name": "calendar", "version": "1.0.1", "main": "b.js" }' }),
      '1,Ann,2002,Bern,3',
    ],
    [
      'a tsconfig.json',
      () =>
        write({
          'tsconfig.json':
            '{ "compilerOptions": { "paths": { "shop": ["./rates/index"], "calendar": ["./year.ts"] } } }',
          'year.ts': 'export const year = 1999',
          'rates/index.ts': 'export const rate = 7\nexport default rate',
        }),
      '7,Ann,1999,7,3',
    ],
  ])('is not used after a change of %s', async (_, change, result) => {
    await bundled()
    change()
    expect(await loaded()).toBe(result)
  })

  it('is not used after a new file is found before one of a linked package, or of a folder with `main`', async () => {
    write({
      'main.ts': `import shop from 'shop'
import { place } from 'shop/place'
import { unit } from './units'
import { size } from './sizes'
export default [shop, place, unit, size].join()`,
      'workspace/shop/package.json': '{ "name": "shop" }',
      'workspace/shop/place.ts': `export const place = 'Bern'`,
      'units/package.json': '{ "main": "./list" }',
      'units/list.js': `export const unit = 'kg'`,
      'sizes/package.json': '{ "main": "./all" }',
      'sizes/all/index.ts': 'export const size = 1',
    })
    expect(await loaded()).toBe('Bern,Bern,kg,1')
    write({ 'workspace/shop/index.js': `export default 'Oslo'` })
    expect(await loaded()).toBe('Oslo,Bern,kg,1')
    write({ 'workspace/shop/place.js': `export const place = 'Rome'` })
    expect(await loaded()).toBe('Oslo,Rome,kg,1')
    write({ 'units/list.ts': `export const unit = 'lb'` })
    expect(await loaded()).toBe('Oslo,Rome,lb,1')
    write({ 'sizes/all.ts': 'export const size = 2' })
    expect(await loaded()).toBe('Oslo,Rome,lb,2')
  })

  it('is not used where a tsconfig.json has paths, or import() a pattern, so that new files are found', async () => {
    write({
      'tsconfig.json': '{ "compilerOptions": { "paths": { "shop": ["./first/shop.ts", "./second/shop.ts"] } } }',
      'second/shop.ts': `export default 'Rome'`,
    })
    expect(await loaded()).toBe('1,Ann,2001,Rome,3')
    write({ 'first/shop.ts': `export default 'Lima'` })
    expect(await loaded()).toBe('1,Ann,2001,Lima,3')

    rmSync(join(project, 'tsconfig.json'))
    write({
      'main.ts': `const name = 'b'
let part
try { part = await import(\`./parts/\${name}.ts\`) } catch {}
export default part?.b ?? 'none'`,
      'parts/a.ts': '',
    })
    expect(await loaded()).toBe('none')
    write({ 'parts/b.ts': `export const b = 'found'` })
    expect(await loaded()).toBe('found')
  })

  it.each<[what: string, damage: (path: (ending: RegExp) => string) => void]>([
    ['its entry is cut short', path => writeFileSync(path(/\.json$/), '{ "name": "main')],
    ['its code has changed', path => writeFileSync(path(/\.mjs$/), `export default 'other code'`)],
    ['its source map is gone', path => rmSync(path(/\.map$/))],
    ['others may write its entry', path => chmodSync(path(/\.json$/), 0o666)],
  ])('is built again where %s', async (_, damage) => {
    await bundled()
    const names = readdirSync(join(project, 'out'))
    damage(ending => join(project, 'out', names.find(name => ending.test(name))!))
    expect(await loaded()).toBe('1,Ann,2001,Bern,3')
    expect(build).toHaveBeenCalledTimes(4)
    await bundled()
    expect(build).toHaveBeenCalledTimes(4)
  })

  it('is no part of a run whose entry cannot be written', async () => {
    await bundled()
    const out = join(project, 'out')
    const entry = join(out, readdirSync(out).find(name => name.endsWith('.json'))!)
    rmSync(entry)
    mkdirSync(join(entry, 'taken'), { recursive: true })
    expect(await loaded()).toBe('1,Ann,2001,Bern,3')
    expect(readdirSync(out).filter(name => name.includes('~'))).toEqual([])
  })

  it('is the same for processes that start at once', async () => {
    const library = JSON.stringify(new URL('../../lib/bundle/bundle.ts', import.meta.url).href)
    const script = `import { bundlePipeline } from ${library}
const [file, outFolder, now] = process.argv.slice(1)
Date.now = () => Number(now)
const { url } = await bundlePipeline(file, { outFolder, fanmillUrl: 'file:///fanmill.js', reuse: true })
console.log((await import(url)).default)`
    const arguments_ = [join(project, 'main.ts'), join(project, 'out'), `${Date.now()}`]
    const starts = [1, 2, 3].map(() =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, ...arguments_]),
    )
    for (const { stdout } of await Promise.all(starts)) expect(stdout).toBe('1,Ann,2001,Bern,3\n')
    expect(readdirSync(join(project, 'out')).filter(name => name.includes('~'))).toEqual([])
    await bundled('file:///fanmill.js')
    expect(build).not.toHaveBeenCalled()
  })
})

function bundled(fanmillUrl?: string) {
  return bundlePipeline(join(project, 'main.ts'), { outFolder: join(project, 'out'), reuse: true, fanmillUrl })
}

async function loaded(): Promise<unknown> {
  return (await import(/* @vite-ignore */ (await bundled()).url)).default
}

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(project, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}

function link(target: string): void {
  const path = join(project, 'node_modules/shop')
  rmSync(path, { force: true })
  write({ [`${target}/package.json`]: '{ "name": "shop", "main": "index.ts" }' })
  symlinkSync(join(project, target), path)
}
