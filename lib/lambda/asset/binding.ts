/** The engine's native binding for another machine than this: fetched once with npm, kept in the user's cache. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PermanentError } from '../../errors/errors.ts'

export type LambdaArchitecture = 'arm64' | 'x86_64'

/** An installed package: where it is, as what it is required. */
export interface PackagePlace {
  readonly name: string
  readonly folder: string
}

/**
 * The binding that this library's engine loads on Lambda. Asks the npm registry when this machine has another one.
 * @throws DEFINITION_LOAD when it cannot be had
 */
export async function lambdaBinding(architecture: LambdaArchitecture): Promise<PackagePlace> {
  const name = `@duckdb/node-bindings-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}`
  const bindings = packageFolder('@duckdb/node-bindings', packageFolder('@duckdb/node-api', import.meta.dirname))
  const installed = join(dirname(dirname(bindings)), name)
  if (existsSync(join(installed, 'duckdb.node'))) return { name, folder: installed }
  const { version } = JSON.parse(readFileSync(join(bindings, 'package.json'), 'utf8')) as { version: string }
  return { name, folder: await cached(name, version) }
}

/** Folder of a package as a module in `from` would find it. @throws DEFINITION_LOAD when it is not installed */
export function packageFolder(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return found
    if (folder === dirname(folder)) break
  }
  // Package managers without node_modules answer only to their own resolver.
  try {
    return dirname(createRequire(join(from, 'index.js')).resolve(`${name}/package.json`))
  } catch (cause) {
    throw new PermanentError(
      'DEFINITION_LOAD',
      `expected the package ${name} to be installed, found none from ${from}; npm install it`,
      { name },
      { cause },
    )
  }
}

async function cached(name: string, version: string): Promise<string> {
  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fanmill', 'bindings')
  const folder = join(root, `${name.split('/')[1]}-${version}`)
  if (existsSync(join(folder, 'duckdb.node'))) return folder
  const fetching = join(root, `fetching-${process.pid}-${Date.now()}`)
  mkdirSync(fetching, { recursive: true })
  try {
    await fetchPackage(`${name}@${version}`, fetching)
    renameSync(join(fetching, 'node_modules', name), folder)
  } catch (error) {
    // Another synthesis may have been first.
    if (!existsSync(join(folder, 'duckdb.node'))) throw error
  } finally {
    rmSync(fetching, { recursive: true, force: true })
  }
  return folder
}

/** npm checks the integrity of what it fetches; `--force` lets it install what is not for this machine. */
async function fetchPackage(spec: string, folder: string): Promise<void> {
  const flags = [
    '--force',
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefix',
    folder,
  ]
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  try {
    await promisify(execFile)(npm, ['install', ...flags, spec], {
      cwd: folder,
      env: ownEnvironment(),
      shell: process.platform === 'win32',
    })
  } catch (cause) {
    const message = `cannot fetch the engine's binding ${spec} from the npm registry; without it the functions cannot start. npm install it by hand, or choose the architecture of this machine`
    throw new PermanentError('DEFINITION_LOAD', message, { spec }, { cause })
  }
}

/** Without what an `npm run` around this tells its children about its own project. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const isOurs = (name: string): boolean => /^(npm_(package|lifecycle)_|npm_config_local_prefix$|INIT_CWD$)/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
}
