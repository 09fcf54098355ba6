/** Builds `dist/`, the package as it is published, with its own package.json: one declaration for each source, and code in few files, which load faster. */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compile } from './compile.ts'
import { copyPage } from './copy-page.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } })

await build(resolve(values.out))

async function build(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  declare(folder)
  await compile(folder)
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  const pages = ['README.md', 'CHANGELOG.md', ...readdirSync(join(root, 'docs')).map(name => `docs/${name}`)]
  for (const page of pages.filter(name => name.endsWith('.md'))) copyPage(page, { root, pages, to: folder })
  chmodSync(join(folder, 'lib/cli/main.js'), 0o755)
}

function declare(folder: string): void {
  const compiler = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc')
  const project = join(import.meta.dirname, 'tsconfig.build.json')
  const arguments_ = [compiler, '--project', project, '--outDir', folder]
  const { status } = spawnSync(process.execPath, arguments_, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`tsc ended with ${status}`)
  nameCompiledFiles(folder)
}

/** Changes `./x.ts` to `./x.js` in declarations, where tsc leaves it. */
function nameCompiledFiles(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue
    const text = readFileSync(join(folder, name), 'utf8')
    writeFileSync(join(folder, name), text.replace(/(\bfrom |\bimport\(|\bimport )'(\.[^']+)\.ts'/g, "$1'$2.js'"))
  }
}
