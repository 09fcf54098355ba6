/** Checks the options of `run` where they enter. */

import { PermanentError } from '../errors/errors.ts'
import { didYouMean } from '../errors/nearest.ts'
import { logLevels } from '../model/events.ts'
import { parseCount, parseShare } from './config.ts'

/** The same options. @throws USAGE with the option, what was expected and what came; for an unknown one with the nearest */
export function checkRunOptions<Options extends object>(options: Options): Options {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options)
  for (const [name, value] of Object.entries(options)) {
    const check = checks[name]
    if (!check)
      throw new PermanentError('USAGE', `run: ${name}: unknown option${didYouMean(name, Object.keys(checks))}`, {
        name,
      })
    if (value !== undefined && !check.fits(value)) throw invalid(name, check.expected, value)
  }
  return options
}

interface Check {
  readonly expected: string
  readonly fits: (value: unknown) => boolean
}

const text: Check = { expected: 'a string that is not empty', fits: value => typeof value === 'string' && value !== '' }
const flag: Check = { expected: 'true or false', fits: value => typeof value === 'boolean' }
const count: Check = {
  expected: 'a whole number of at least 1',
  fits: value => typeof value === 'number' && parseCount(value, 1) !== undefined,
}
const share: Check = {
  expected: 'a whole number, or a share such as 0.5%',
  fits: value => (typeof value === 'number' || String(value).endsWith('%')) && parseShare(value) !== undefined,
}

const checks: Readonly<Record<string, Check>> = {
  task: text,
  params: { expected: 'values by name', fits: value => typeof value === 'object' && !Array.isArray(value) },
  input: text,
  output: text,
  profile: text,
  region: text,
  kmsKeyId: text,
  workers: count,
  reads: count,
  memoryMb: count,
  rejectsMax: share,
  failFast: flag,
  sample: {
    expected: `${share.expected}, above 0`,
    fits: value => share.fits(value) && Number.parseFloat(`${value}`) > 0,
  },
  force: flag,
  strict: flag,
  logLevel: { expected: `one of ${logLevels.join(', ')}`, fits: value => logLevels.some(level => level === value) },
  signal: { expected: 'an AbortSignal', fits: value => value instanceof AbortSignal },
  onEvent: { expected: 'a function', fits: value => typeof value === 'function' },
}

function invalid(name: string, expected: string, value: unknown): PermanentError {
  const got = typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value)).slice(0, 60)
  return new PermanentError('USAGE', `run: ${name}: expected ${expected}, got ${got}`, { name })
}
