/** Runs the command line as a process, as a user would. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'
import type { EndEvent, RunEvent } from '../../lib/model/events.ts'

export const mainFile = join(inject('compiledFolder'), 'lib/cli/main.js')

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface FanmillOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** The command line's own file; default this repository's. */
  readonly main?: string
  /** Options of node itself. */
  readonly nodeArgs?: readonly string[]
}

/** Ends when the process does, whatever its exit code. */
export async function fanmill(args: readonly string[], options: FanmillOptions = {}): Promise<Finished> {
  const child = spawnFanmill(args, options)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  return { code, stdout, stderr }
}

/** The process itself, for tests that talk to it while it runs. */
export function spawnFanmill(
  args: readonly string[],
  { cwd = tmpdir(), env = {}, nodeArgs = [], main = mainFile }: FanmillOptions = {},
) {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('FANMILL_') && !['UV_THREADPOOL_SIZE', 'FORCE_COLOR', 'NO_COLOR'].includes(name),
  )
  return spawn(process.execPath, [...nodeArgs, main, ...args], {
    cwd,
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** A new folder with these files in it. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-cli-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

/** The JSON lines of `--json`: each must be an event, the last one the end. */
export function eventsOf({ stdout }: Finished): { readonly events: readonly RunEvent[]; readonly end: EndEvent } {
  const events = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as RunEvent)
  const end = events.at(-1)
  if (end?.event !== 'end') throw new Error(`expected an end event, got ${JSON.stringify(end)}`)
  return { events, end }
}
