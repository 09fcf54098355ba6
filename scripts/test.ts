/**
 * Runs the groups of `npm test` at the same time. Prints the output of each whole, in this order: that of the first one that has not ended
 * as it comes, those of later ones when it is their turn. Fails when one of them does. Each is a script of package.json that also runs alone.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const names = ['typecheck', 'lint', 'docs', 'unit', 'localstack']
const withTests = ['unit', 'localstack']

/** Folder to which each group of tests writes how many passed and failed, so that one line tells it of all. */
const totals = mkdtempSync(join(tmpdir(), 'fanmill-totals-'))
const totalsFile = (name: string): string => join(totals, name)

interface Ended {
  readonly name: string
  readonly code: number | null
  readonly seconds: number
}

/** Starts a group, whose output waits for `show`. */
function start(name: string) {
  const colours = process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: '1' } : {}
  const child = spawn('npm', ['run', name], {
    env: { ...process.env, ...colours, FANMILL_TOTALS_FILE: totalsFile(name) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its processes are one group then, to which signals are sent.
    detached: true,
  })
  const startedAt = Date.now()
  const ended = once(child, 'close').then(
    ([code]): Ended => ({ name, code, seconds: Math.round((Date.now() - startedAt) / 1000) }),
  )
  let isOver = false
  void ended.then(() => (isOver = true))
  let waiting: Buffer[] | undefined = []
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (waiting ? waiting.push(chunk) : process.stdout.write(chunk)))
  const show = (): Promise<Ended> => {
    process.stdout.write(Buffer.concat(waiting ?? []))
    waiting = undefined
    return ended
  }
  /** Sends a signal to all its processes, some of which may outlive the first one. */
  const end = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined || isOver) return
    try {
      process.kill(-child.pid, signal)
    } catch {
      // All of them have ended.
    }
  }
  return { show, end }
}

const groups = names.map(start)
const endAll = (signal: NodeJS.Signals): void => {
  for (const { end } of groups) end(signal)
}
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    endAll(interrupted ? 'SIGKILL' : signal)
    interrupted = true
  })
// For instance in `npm test | head`, where nobody reads any more.
process.on('exit', () => endAll('SIGTERM'))

const summary: (Ended & { readonly passed: number; readonly failed: number })[] = []
for (const { show } of groups) {
  const ended = await show()
  const [passed, failed] = countsOf(ended.name)
  // A group may fail before its tests, or without any.
  const isWhole = ended.code === 0 && (passed > 0 || !withTests.includes(ended.name))
  summary.push({ ...ended, passed, failed: isWhole ? failed : Math.max(1, failed) })
}
rmSync(totals, { recursive: true })
const lines = summary.map(({ name, passed, failed, seconds }) => {
  const counts = passed + failed > 1 ? `   ${passed} passed, ${failed} failed` : ''
  return `${name.padEnd(11)} ${failed > 0 ? 'FAILED' : 'passed'} ${`${seconds}`.padStart(6)} s${counts}\n`
})
const sum = (key: 'passed' | 'failed'): number => summary.reduce((total, each) => total + each[key], 0)
process.stdout.write(
  `\n${interrupted ? 'interrupted\n' : ''}${lines.join('')}\n${sum('passed')} passed, ${sum('failed')} failed\n`,
)
process.exitCode = interrupted || sum('failed') > 0 ? 1 : 0

/** Returns how many tests of a group passed and failed; none for a group without tests, and for one that did not come to its end. */
function countsOf(name: string): [number, number] {
  if (!existsSync(totalsFile(name))) return [0, 0]
  const [passed = 0, failed = 0] = (readFileSync(totalsFile(name), 'utf8').match(/\d+/g) ?? []).map(Number)
  return [passed, failed]
}
