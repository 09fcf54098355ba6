/** Finds the engine's native binding for Lambda's architecture; one for another machine is fetched once with npm and cached. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { definitionOf } from '../../bundle/installed-package.ts'
import { PermanentError } from '../../errors/errors.ts'
import { cacheFolder, ownCacheFolder } from '../../store/cache-folder.ts'

export type LambdaArchitecture = 'arm64' | 'x86_64'

/**
 * Returns the binding that the engine loads on Lambda. Requests it from the npm registry when this machine has another one.
 * @throws DEFINITION_LOAD when it cannot be fetched
 */
export async function lambdaBinding(architecture: LambdaArchitecture) {
  const name = `@duckdb/node-bindings-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}`
  const bindings = packageFolder('@duckdb/node-bindings', packageFolder('@duckdb/node-api', import.meta.dirname))
  const installed = join(dirname(dirname(bindings)), name)
  if (existsSync(join(installed, 'duckdb.node'))) return { name, folder: installed }
  return { name, folder: await fetchOnce(name, String(definitionOf(bindings).version)) }
}

/** Returns the folder of a package as a module in `from` would find it. @throws DEFINITION_LOAD when it is not installed */
export function packageFolder(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return found
    if (folder === dirname(folder)) break
  }
  // Package managers without node_modules provide only their own resolver.
  try {
    return dirname(createRequire(join(from, 'index.js')).resolve(`${name}/package.json`))
  } catch (cause) {
    const message = `expected the package ${name} to be installed, found none from ${from}; run npm install ${name}`
    throw new PermanentError('DEFINITION_LOAD', message, { name }, { cause })
  }
}

async function fetchOnce(name: string, version: string): Promise<string> {
  const root = bindingsFolder()
  const folder = join(root, `${name.split('/')[1]}-${version}`)
  if (existsSync(join(folder, 'duckdb.node'))) return folder
  const fetching = join(root, `fetching-${process.pid}-${Date.now()}`)
  mkdirSync(fetching, { recursive: true })
  try {
    await fetchPackage(`${name}@${version}`, fetching)
    renameSync(join(fetching, 'node_modules', name), folder)
  } catch (error) {
    // Another synthesis may have fetched it at the same time.
    if (!existsSync(join(folder, 'duckdb.node'))) throw error
  } finally {
    rmSync(fetching, { recursive: true, force: true })
  }
  return folder
}

/** Returns the folder of fetched bindings. @throws DEFINITION_LOAD when others can have written it, because a binding is deployed as it is */
function bindingsFolder(): string {
  const root = ownCacheFolder('bindings')
  if (root !== undefined) return root
  const folder = cacheFolder('bindings')
  const message = `expected a folder of bindings that only this user can write, got ${folder}, which others can; remove it, and it is made again`
  throw new PermanentError('DEFINITION_LOAD', message, { folder })
}

/** Fetches a package with npm, which checks its integrity; `--force` allows packages for other machines. */
async function fetchPackage(spec: string, folder: string): Promise<void> {
  const flags = ['--force', '--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund']
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  try {
    await promisify(execFile)(npm, ['install', ...flags, '--prefix', folder, spec], {
      cwd: folder,
      env: ownEnvironment(),
      shell: process.platform === 'win32',
    })
  } catch (cause) {
    const message = `cannot fetch the engine's binding ${spec} from the npm registry; without it the functions cannot start. Install it with npm install --force ${spec}, or choose the architecture of this machine`
    throw new PermanentError('DEFINITION_LOAD', message, { spec }, { cause })
  }
}

/** Returns the environment without the variables of a surrounding `npm run`, which describe its own project. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const isOurs = (name: string): boolean => /^(npm_(package|lifecycle)_|npm_config_local_prefix$|INIT_CWD$)/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
}
