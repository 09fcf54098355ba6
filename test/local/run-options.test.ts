import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkOptions } from '../../lib/local/options/options.ts'
import { type RunOptions, runOptions } from '../../lib/local/options/run-options.ts'
import { checkInputRoot } from '../../lib/local/roots/check-roots.ts'

const checkRunOptions = (options: object) => checkOptions('run', options as RunOptions, runOptions)

it('accepts every option of run', () => {
  const options = {
    ...{ task: 'flights', params: { month: '2001-01' }, input: 'data', output: 's3://lake/out' },
    ...{ profile: 'work', region: 'eu-west-1', kmsKeyId: 'key', workers: 2, reads: 4, memoryMb: 800 },
    ...{ rejectsMax: '0.5%', failFast: true, sample: 10, force: false, strict: false, logLevel: 'warn' },
    ...{ signal: new AbortController().signal, onEvent: () => {} },
  }
  expect(checkRunOptions(options)).toBe(options)
  expect(checkRunOptions({ task: ['flights', 'weather'] })).toBeDefined()
  expect(checkRunOptions({ rejectsMax: 0, sample: '1%', task: undefined })).toBeDefined()
})

it.each<[Readonly<Record<string, unknown>>, string]>([
  [{ outptu: 'out' }, 'run: outptu: unknown option, did you mean output'],
  [{ workers: 0 }, 'run: workers: expected a whole number of at least 1, got 0'],
  [{ memoryMb: '800' }, 'run: memoryMb: expected a whole number of at least 1, got "800"'],
  [{ rejectsMax: '5' }, 'run: rejectsMax: expected a whole number, or a share such as 0.5%, got "5"'],
  [{ rejectsMax: '101%' }, 'run: rejectsMax: expected'],
  [{ sample: 0 }, 'run: sample: expected a whole number, or a share such as 0.5%, above 0, got 0'],
  [{ sample: '0%' }, 'run: sample: expected'],
  [{ failFast: 1 }, 'run: failFast: expected true or false, got 1'],
  [{ output: '' }, 'run: output: expected a folder or s3://bucket/prefix, got ""'],
  [{ params: ['a'] }, 'run: params: expected values by name, got ["a"]'],
  [{ logLevel: 'trace' }, 'run: logLevel: expected one of debug, info, warn, error, got "trace"'],
  [{ task: [] }, 'run: task: expected a string that is not empty, or a list of at least one, got []'],
  [
    { task: ['flights', ''] },
    'run: task: expected a string that is not empty, or a list of at least one, got ["flights",""]',
  ],
  [{ signal: {} }, 'run: signal: expected an AbortSignal, got {}'],
  [{ onEvent: 'log' }, 'run: onEvent: expected a function, got "log"'],
])('refuses %j', (options, message) => {
  expect(() => checkRunOptions(options)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  expect(() => checkRunOptions(options)).toThrow(message)
})

it('refuses options that are not an object', () => {
  expect(() => checkRunOptions('data' as never)).toThrow('run: options: expected an object, got "data"')
})

it('explains an input folder that the system cannot look at', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-roots-'))
  symlinkSync('circle', join(folder, 'circle'))
  expect(() => checkInputRoot({ kind: 'disk', folder: join(folder, 'circle') })).toThrow(
    expect.objectContaining({ code: 'STORE_FAILED', message: expect.stringContaining('lead in a circle') }),
  )
  rmSync(folder, { recursive: true })
})
