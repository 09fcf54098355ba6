/**
 * Builds the documentation site into `docs/site/dist`: the pages of `docs/`, and the reference of the interface and of the command line,
 * which is made of their definitions. A dead link ends it with an error, and so does an option without a description.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandReference } from './command-reference.ts'
import { copyPage } from './copy-page.ts'
import { undocumented } from './undocumented.ts'

const root = join(import.meta.dirname, '..')
const site = join(root, 'docs/site')
const pages = join(site, 'pages')

rmSync(pages, { recursive: true, force: true })
mkdirSync(join(pages, 'reference'), { recursive: true })
const names = readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md'))
for (const name of names) copyPage(name, { root: join(root, 'docs'), pages: names, to: pages })
writeFileSync(join(pages, 'reference/commands.md'), commandReference())
if (!isInstalled()) execFileSync('npm', ['ci'], { cwd: site, stdio: 'inherit' })
runTypedoc()
const missing = undocumented(JSON.parse(readFileSync(join(pages, 'reference/api.json'), 'utf8')))
if (missing.length > 0)
  throw new Error(`expected a comment at each exported function and option, got none at ${missing.join(', ')}`)
execFileSync('npx', ['--no-install', 'vitepress', 'build', '.'], { cwd: site, stdio: 'inherit' })

/** Whether the packages of the site are those of its lock file: npm writes the inner file when it has installed them. */
function isInstalled(): boolean {
  const changedAt = (file: string): number => statSync(join(site, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return changedAt('node_modules/.package-lock.json') >= changedAt('package-lock.json')
}

/** Its warnings are printed when one of them is an error, such as a link that leads nowhere. */
function runTypedoc(): void {
  const options = { cwd: site, encoding: 'utf8' } as const
  const words = ['--no-install', 'typedoc', '--options', 'typedoc.json', '--logLevel', 'Warn']
  const { status, stdout, stderr } = spawnSync('npx', words, options)
  if (status !== 0) throw new Error(`typedoc failed\n${stdout}${stderr}`)
}
