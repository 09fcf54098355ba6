/** Runs a program as a child process without a shell, and ends it with all of its own children when the run is stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { throwIfAborted } from '../errors/abort.ts'
import { PermanentError } from '../errors/errors.ts'
import { lineReader } from './line-reader.ts'

export interface ProgramOptions {
  /** The program and its arguments. */
  readonly command: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Its working folder. */
  readonly folder: string
  readonly signal?: AbortSignal | undefined
  /** Names it in messages. */
  readonly subject: string
  onLine(line: string, stream: 'stdout' | 'stderr'): void
}

/** Time that a program has to end by itself after SIGTERM. */
const graceMs = 5000
/** Time for the rest of the output after the end: a process that it left behind may keep the streams open. */
const drainMs = 2000
/** Lines of stderr that the error has. */
const lastLinesMax = 20

/** Resolves when the program has ended with code 0. @throws PROGRAM_FAILED, or the reason of an abort once every process has ended */
export async function runProgram(options: ProgramOptions): Promise<void> {
  const { command, signal, subject } = options
  throwIfAborted(signal)
  const lastLines: string[] = []
  const child = start(options, line => {
    lastLines.push(line)
    if (lastLines.length > lastLinesMax) lastLines.shift()
  })
  const stop = stopper(child)
  signal?.addEventListener('abort', stop.ask)
  process.on('exit', stop.kill)
  try {
    const { code, killedBy } = await ended(child)
    if (signal?.aborted) await stop.whenGone()
    throwIfAborted(signal)
    if (code !== 0) throw failed(subject, { command, code, killedBy, lastLines })
  } finally {
    signal?.removeEventListener('abort', stop.ask)
    process.off('exit', stop.kill)
    stop.forget()
  }
}

/** Starts it as the first of a group of processes, so that its children can be ended with it. */
function start({ command, environment: env, folder: cwd, onLine }: ProgramOptions, onError: (line: string) => void) {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd, env, shell: false, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of ['stdout', 'stderr'] as const) {
    const reader = lineReader(line => {
      if (stream === 'stderr') onError(line)
      onLine(line, stream)
    })
    child[stream].on('data', reader.write)
    child[stream].on('close', reader.end)
  }
  return child
}

interface ProgramEnd {
  readonly code: number | null
  readonly killedBy: NodeJS.Signals | null
}

/** Resolves when the process has ended and its output is read. */
function ended(child: ChildProcess): Promise<ProgramEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<ProgramEnd>()
  child.once('error', error => reject(notStarted(child, error)))
  child.once('close', (code, killedBy) => resolve({ code, killedBy }))
  child.once('exit', () => {
    setTimeout(() => {
      child.stdout?.destroy()
      child.stderr?.destroy()
    }, drainMs).unref()
  })
  return promise
}

/** Ends a group of processes: first by SIGTERM, and by SIGKILL where that does not help. */
function stopper(child: ChildProcess) {
  let timer: NodeJS.Timeout | undefined
  const send = (signal: NodeJS.Signals | 0): boolean => {
    if (child.pid === undefined) return false
    try {
      // The group, not only its first process.
      return process.kill(-child.pid, signal)
    } catch {
      return false
    }
  }
  const kill = (): void => void send('SIGKILL')
  return {
    ask(): void {
      send('SIGTERM')
      timer ??= setTimeout(kill, graceMs)
    },
    kill,
    forget: () => clearTimeout(timer),
    /** Resolves when no process of the group is left. */
    async whenGone(): Promise<void> {
      const until = performance.now() + graceMs
      while (send(0) && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 20))
      kill()
    },
  }
}

function notStarted({ spawnfile }: ChildProcess, error: Error): PermanentError {
  const { code } = error as NodeJS.ErrnoException
  const advice =
    code === 'EACCES' ? 'make it executable' : 'install it, or give its path from the folder of the pipeline'
  const message = `expected the program ${spawnfile}, got ${code ?? error.message}; ${advice}`
  return new PermanentError('PROGRAM_FAILED', message, { program: spawnfile, reason: code }, { cause: error })
}

function failed(
  subject: string,
  {
    command,
    code,
    killedBy,
    lastLines,
  }: ProgramEnd & { readonly command: readonly string[]; readonly lastLines: readonly string[] },
): PermanentError {
  const end = killedBy ? `was ended by ${killedBy}` : `ended with code ${code}`
  const message = `${subject}: expected ${command[0]} to end with code 0, but it ${end}; its output is in the log of the run`
  return new PermanentError('PROGRAM_FAILED', message, { code, signal: killedBy, received: lastLines.join('\n') })
}
