/**
 * Runs the groups of `npm test` at the same time. Prints the output of each whole, in this order: that of the first one that has not ended
 * as it comes, those of later ones when it is their turn. Fails when one of them does. Each is a script of package.json that also runs alone.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CloseEvent, concurrently } from 'concurrently'

const groups = ['typecheck', 'lint', 'unit', 'localstack']

/** Folder to which each group of tests writes how many passed and failed, so that one line tells it of all. */
const totals = mkdtempSync(join(tmpdir(), 'fanmill-totals-'))
const totalsFile = (name: string): string => join(totals, name)

// Ended by a signal, a group counts as having passed.
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => (interrupted = true))

// It ends the processes of all groups at these signals.
const { result } = concurrently(
  groups.map(name => ({ name, command: `npm run ${name}`, env: { FANMILL_TOTALS_FILE: totalsFile(name) } })),
  { group: true, prefix: 'none' },
)
const ended = await result.catch((events: CloseEvent[]) => events)
const summary = ended
  .toSorted((a, b) => a.index - b.index)
  .map(({ command: { name }, exitCode, timings }) => {
    const [passed, failed] = countsOf(name)
    // A group may fail before its tests, or without any.
    return { name, passed, failed: exitCode === 0 ? failed : Math.max(1, failed), seconds: timings.durationSeconds }
  })
rmSync(totals, { recursive: true })
const lines = summary.map(
  ({ name, passed, failed, seconds }) =>
    `${name.padEnd(12)}${interrupted ? 'interrupted' : failed > 0 ? 'FAILED' : 'passed'} ${seconds.toFixed(0).padStart(6)} s${passed + failed > 1 ? `   ${passed} passed, ${failed} failed` : ''}\n`,
)
const sum = (key: 'passed' | 'failed'): number => summary.reduce((total, each) => total + each[key], 0)
process.stdout.write(`\n${lines.join('')}\n${sum('passed')} passed, ${sum('failed')} failed\n`)
process.exitCode = interrupted || sum('failed') > 0 ? 1 : 0

/** Returns how many tests of a group passed and failed; none for a group without tests, and for one that did not come to its end. */
function countsOf(name: string): [number, number] {
  if (!existsSync(totalsFile(name))) return [0, 0]
  const [passed = 0, failed = 0] = (readFileSync(totalsFile(name), 'utf8').match(/\d+/g) ?? []).map(Number)
  return [passed, failed]
}
