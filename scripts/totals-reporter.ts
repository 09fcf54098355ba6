/**
 * Prints the last line of a test run, which programs read: `N passed, N failed`, alone on its line. With `FANMILL_TOTALS_FILE` it goes to
 * that file instead, because it is a part of more.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** A vitest reporter; a file that does not load and an error outside any test count as failed. */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap(module => [...module.children.allTests()])
    const passed = tests.filter(test => test.result().state === 'passed').length
    const failed = tests.filter(test => test.result().state === 'failed').length
    const unloaded = modules.filter(module => module.errors().length > 0).length
    const totals = `${passed} passed, ${failed + unloaded + unhandledErrors.length} failed`
    const file = process.env.FANMILL_TOTALS_FILE
    if (file) writeFileSync(file, totals)
    else process.stdout.write(`\n${totals}\n`)
  }
}
