/**
 * Loads code of the published package with the functions that earlier processes have compiled. Node keeps what it compiles when it loads a
 * file, and compiles each function in every process again when it is first called.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cachedDataVersionTag } from 'node:v8'
import { Script } from 'node:vm'
import { isMainThread, threadId } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import { compileCacheFolder } from './compile-cache.ts'

/** Tools of a module that a script gets from the module that loads it. */
export interface ModuleTools {
  readonly url: string
  require(name: string): unknown
  import(name: string): Promise<unknown>
}

interface CompiledCode {
  /** Processes that have added the functions that they called. */
  readonly processes: number
  readonly data: Buffer
}

/** After so many processes the functions of usual runs are known, and the code is no longer written. */
const processesMax = 4
/** V8 drops functions that were not called for some time. Those of the start, which matter most, would be missing at the end of a long run. */
const keepMsMax = 5000
/** The checksum and the number of processes; of a length that keeps the code aligned. */
const headBytes = 8

/**
 * Runs a script that was made of a module, and returns its exports. The script is one function, which gets `exports`, `require`, `module`,
 * `__url` and `__import`: put together here, its text would be in memory twice. Without a folder for compiled code nothing is kept.
 */
export function loadKept<Exports extends object>(script: URL, { url, ...tools }: ModuleTools): Exports {
  const filename = fileURLToPath(script)
  const source = readFileSync(filename, 'utf8')
  const file = keptFile(filename, source)
  const found = file === undefined ? undefined : readKept(file)
  const code = new Script(source, { filename, ...(found && { cachedData: found.data }) })
  const module = { exports: {} as Exports }
  code.runInThisContext()(module.exports, tools.require, module, url, tools.import)
  const processes = found && !code.cachedDataRejected ? found.processes : 0
  if (file === undefined || processes === processesMax) return module.exports
  const keep = () => writeKept(file, { processes: processes + 1, data: code.createCachedData() })
  if (isMainThread) keepInTime(keep)
  // Threads are ended without an exit. One of them is enough, because all call the same functions.
  return isMainThread || threadId > 1 ? module.exports : withCalls(module.exports, keep)
}

/** Names the file by all that the compiled code depends on. */
function keptFile(filename: string, source: string): string | undefined {
  const folder = process.env.NODE_DISABLE_COMPILE_CACHE ? undefined : compileCacheFolder()
  const version = `${process.version}-${cachedDataVersionTag()}-${crc32(source)}`
  return folder && join(folder, `${basename(filename)}-${version}`)
}

/** Returns undefined for a file that is missing or damaged. */
function readKept(file: string): CompiledCode | undefined {
  try {
    const bytes = readFileSync(file)
    const isWhole = bytes.length > headBytes && bytes.readUInt32LE(0) === crc32(bytes.subarray(4))
    return isWhole ? { processes: bytes.readUInt32LE(4), data: bytes.subarray(headBytes) } : undefined
  } catch {
    return undefined
  }
}

function writeKept(file: string, { processes, data }: CompiledCode): void {
  const bytes = Buffer.concat([Buffer.alloc(headBytes), data])
  bytes.writeUInt32LE(processes, 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
  const pending = `${file}.${process.pid}`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    try {
      writeFileSync(pending, bytes, { mode: 0o600 })
      renameSync(pending, file)
    } finally {
      // A full disk leaves half of it.
      rmSync(pending, { force: true })
    }
  } catch {
    // Deliberately ignored, because the next process compiles again.
  }
}

/** Keeps the code when the process ends, or after some seconds. */
function keepInTime(keep: () => void): void {
  process.once('exit', keep)
  const keepNow = (): void => {
    process.off('exit', keep)
    keep()
  }
  setTimeout(keepNow, keepMsMax).unref()
}

/**
 * Returns the functions, which keep their code before they answer the first, second, fourth and eighth call: a thread may be ended after
 * any answer, and a later call may compile further functions.
 */
function withCalls<Exports extends object>(exports: Exports, keep: () => void): Exports {
  let calls = 0
  const keepBefore = (result: unknown): unknown => {
    if ([1, 2, 4, 8].includes(++calls)) keep()
    return result
  }
  const entries = Object.entries(exports).map(([name, call]) => [
    name,
    async (...args: unknown[]) => keepBefore(await call(...args)),
  ])
  return Object.fromEntries(entries) as Exports
}
