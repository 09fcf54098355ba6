/** Installs LocalStack into the user's cache, once for each set of versions. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const packageName = 'localstack-core[runtime]==4.13.1'
const constraints = join(import.meta.dirname, 'constraints.txt')

export interface Installed {
  /** Python of the virtual environment. */
  readonly python: string
  /** Folder that is kept between starts, for LocalStack's cache of plugins. */
  readonly cacheFolder: string
}

/** Installs LocalStack, once also for two processes at the same time; returns undefined when this machine has no suitable Python. */
export async function installLocalStack(): Promise<Installed | undefined> {
  return installPython(
    'localstack',
    ['-c', constraints, packageName],
    contentHash(readFileSync(constraints), packageName),
  )
}

/** Makes a virtual environment of these packages at exact versions; returns undefined when this machine has no suitable Python. */
export async function installPackages(name: string, packages: readonly string[]): Promise<Installed | undefined> {
  return installPython(name, packages, contentHash(packages.join(' ')))
}

async function installPython(name: string, args: readonly string[], hash: string): Promise<Installed | undefined> {
  const folder = join(cacheRoot(), 'fanmill', `${name}-${hash}`)
  const installed = { python: join(folder, 'venv/bin/python'), cacheFolder: join(folder, 'cache') }
  const marker = join(folder, 'installed')
  if (existsSync(marker)) return installed
  const python = await findPython()
  if (python === undefined) return undefined
  await mkdir(join(folder, '..'), { recursive: true })
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(marker)) return
    console.log(`installing ${name} into ${folder}; this takes a minute or three, once`)
    await rm(folder, { recursive: true, force: true })
    await run(python, ['-m', 'venv', join(folder, 'venv')])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...args]
    await run(installed.python, pip, { maxBuffer: 1 << 26 })
    await writeFile(marker, '')
  })
  return installed
}

const cacheRoot = (): string => process.env.XDG_CACHE_HOME || join(homedir(), '.cache')

/** Names the folder after the versions. */
function contentHash(first: string | Uint8Array, ...others: readonly string[]): string {
  const hash = createHash('sha256')
  for (const each of [...others, first]) hash.update(each)
  return hash.digest('hex').slice(0, 12)
}

/** Finds the first Python from 3.11 on that can make environments. */
async function findPython(): Promise<string | undefined> {
  const check = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
  for (const name of ['python3.11', 'python3.12', 'python3.13', 'python3', 'python']) {
    const isFit = await run(name, ['-c', check]).then(
      () => true,
      () => false,
    )
    if (isFit) return name
  }
  return undefined
}

/** Lets one process work at a time; the lock of a process that has ended is ignored. */
export async function withLock(file: string, act: () => Promise<void>): Promise<void> {
  while (!(await takeLock(file))) await pause(500)
  try {
    await act()
  } finally {
    await rm(file, { force: true })
  }
}

/** Moves the lock of a process that has ended away; of several processes that try, one succeeds. */
async function takeLock(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    await handle.writeFile(`${process.pid}`)
    await handle.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const holder = Number(await readFile(file, 'utf8').catch(() => ''))
  if (holder > 0 && !isAlive(holder)) {
    const stale = `${file}.${process.pid}`
    await rename(file, stale).catch(() => undefined)
    await rm(stale, { force: true })
  }
  return false
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
