/** `fanmill config`: settings and their origins. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fanmill, folderOf } from './fanmill.ts'

async function configOf(args: readonly string[], options: Parameters<typeof fanmill>[1] = {}) {
  const { code, stdout, stderr } = await fanmill(['config', '--json', ...args], options)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

describe('fanmill config', () => {
  it('prefers the command line to the environment, and the environment to the file', async () => {
    const cwd = folderOf({ 'fanmill.config.json': '{ "workers": 3, "reads": 4, "memoryMb": 900 }' })
    const env = { FANMILL_WORKERS: '5', FANMILL_READS: '6' }
    expect(await configOf(['--workers', '7'], { cwd, env })).toMatchObject({
      workers: { value: 7, origin: 'command line', name: '--workers' },
      reads: { value: 6, origin: 'environment', name: 'FANMILL_READS' },
      memoryMb: { value: 900, origin: 'file', name: join(cwd, 'fanmill.config.json') },
      output: { value: './out', origin: 'default' },
    })
  })

  it('takes defaults from the machine', async () => {
    const { workers, reads, input } = await configOf([], { cwd: folderOf({}) })
    expect(workers).toMatchObject({ value: availableParallelism(), origin: 'default' })
    expect(reads).toMatchObject({ value: availableParallelism(), origin: 'default' })
    const { reads: fromS3 } = await configOf(['--input', 's3://lake/in'], { cwd: folderOf({}) })
    expect(fromS3).toMatchObject({ value: 2 * availableParallelism(), origin: 'default' })
    expect(input).toMatchObject({ value: '.', origin: 'default' })
  })

  it('finds the nearest file up the tree and takes its folders from there', async () => {
    const root = folderOf({ 'fanmill.config.json': '{ "input": "data" }', 'a/b/note.txt': '' })
    const { input } = await configOf([], { cwd: join(root, 'a/b') })
    expect(input.value).toBe(join(root, 'data'))
  })

  it('reads every setting from text', async () => {
    const env = {
      FANMILL_REJECTS_MAX: '0.5%',
      FANMILL_FAIL_FAST: 'true',
      FANMILL_LOG_LEVEL: 'warn',
      FANMILL_OUTPUT: 'lake',
      FANMILL_STACK: 'Lake',
    }
    expect(await configOf([], { env, cwd: folderOf({}) })).toMatchObject({
      rejectsMax: { value: '0.5%' },
      failFast: { value: true },
      logLevel: { value: 'warn' },
      output: { value: 'lake' },
      stack: { value: 'Lake' },
    })
  })

  it.each([
    ['{ "worker": 3 }', 'fanmill.config.json: unknown key "worker"'],
    ['{ "worker": 3 }', 'did you mean workers'],
    ['{ "workers": 1.5 }', 'fanmill.config.json: workers: expected a whole number of at least 1, got 1.5'],
    ['[]', 'expected a JSON object in'],
    ['{', 'expected JSON in'],
  ])('refuses the file %s', async (text, message) => {
    const { code, stderr } = await fanmill(['config'], { cwd: folderOf({ 'fanmill.config.json': text }) })
    expect(code).toBe(2)
    expect(stderr).toMatch(/^fanmill: USAGE [^\n]+\n$/)
    expect(stderr).toContain(message)
  })

  it('refuses a variable with a value that does not fit', async () => {
    const { code, stderr } = await fanmill(['config'], { env: { FANMILL_WORKERS: 'many' } })
    expect(code).toBe(2)
    expect(stderr).toContain('FANMILL_WORKERS: expected a whole number of at least 1, got "many"')
  })

  it('prints a table with the origin of each value', async () => {
    const { stdout } = await fanmill(['config', '--workers', '3'])
    expect(stdout).toMatch(/^setting +value +from$/m)
    expect(stdout).toMatch(/^workers +3 +--workers$/m)
  })
})
