/**
 * Builds the documentation site into `docs/site/dist`: the pages of `docs/`, and the reference of the interface and of the command line,
 * which is made of their definitions. A dead link ends it with an error.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandReference } from './command-reference.ts'
import { copyPage } from './copy-page.ts'

const root = join(import.meta.dirname, '..')
const site = join(root, 'docs/site')
const pages = join(site, 'pages')

rmSync(pages, { recursive: true, force: true })
mkdirSync(join(pages, 'reference'), { recursive: true })
const names = readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md'))
for (const name of names) copyPage(name, { root: join(root, 'docs'), pages: names, to: pages })
writeFileSync(join(pages, 'reference/commands.md'), commandReference())
if (!existsSync(join(site, 'node_modules'))) execFileSync('npm', ['ci'], { cwd: site, stdio: 'inherit' })
const run = (...given: readonly string[]): void => {
  execFileSync('npx', ['--no-install', ...given], { cwd: site, stdio: 'inherit' })
}
run('typedoc', '--options', 'typedoc.json', '--logLevel', 'Error')
run('vitepress', 'build', '.')
