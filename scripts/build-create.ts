/** Builds `dist-create/`, the package `create-fanmill`: `npm create fanmill` is `fanmill init`. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { nodeNeeded } from '../lib/node-version.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist-create') } } })
const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const program = `#!/usr/bin/env node
// \`npm create fanmill [data] [directory]\` is \`fanmill init [data] [directory]\`.
process.argv.splice(2, 0, 'init')
await import(new URL('lib/cli/main.js', import.meta.resolve('fanmill/package.json')))
`

const readme = `# create-fanmill

    npm create fanmill my-project
    npm create fanmill incoming/flights.zip

Creates a project of [Fanmill](https://www.npmjs.com/package/fanmill), serverless ETL in TypeScript: a pipeline that is inferred from a file, an archive or a folder of files, with a test and a stack to deploy it.
`

const folder = resolve(values.out)
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const definition = {
  name: 'create-fanmill',
  version,
  description: 'Creates a project of Fanmill, serverless ETL in TypeScript.',
  license,
  type: 'module',
  engines: { node: `>=${nodeNeeded}` },
  bin: { 'create-fanmill': 'create.js' },
  dependencies: { fanmill: version },
}
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(definition, null, 2)}\n`)
writeFileSync(join(folder, 'create.js'), program)
writeFileSync(join(folder, 'README.md'), readme)
copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
chmodSync(join(folder, 'create.js'), 0o755)
