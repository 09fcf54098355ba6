/** Help, and what happens to a command that is not understood. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { eventsOf, fanmill } from './fanmill.ts'

const commands = [
  'run',
  'plan',
  'tasks',
  'infer',
  'unzip',
  'runs',
  'status',
  'rejects',
  'show',
  'head',
  'clean',
  'start',
  'logs',
  'retry',
  'stop',
  'config',
]

describe('help', () => {
  it('lists every command on stdout', async () => {
    const { code, stdout, stderr } = await fanmill(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command}\\b.*  \\S`, 'm'))
  })

  it.each(commands)('shows two examples of %s', async command => {
    const { code, stdout } = await fanmill([command, '--help'])
    const [, examples = ''] = stdout.split('Examples:')
    expect(code).toBe(0)
    expect(examples.match(new RegExp(`^  fanmill ${command}\\b`, 'gm'))).toHaveLength(2)
  })

  it('does not load the engine', async () => {
    const hook = `process.on('exit', () => console.error(process.report.getReport().sharedObjects.join()))`
    const { stderr } = await fanmill(['--help'], {
      nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(hook)}`],
    })
    expect(stderr).not.toMatch(/duckdb/i)
  })

  it('prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect((await fanmill(['--version'])).stdout).toBe(`${version}\n`)
  })

  it('goes to stderr with exit 2 when no command is given', async () => {
    const { code, stdout, stderr } = await fanmill([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: fanmill')
  })
})

describe('wrong usage', () => {
  it.each([
    [['rnu'], "unknown command 'rnu'; did you mean run?"],
    [['run', 'p.ts', '--worker', '2'], "unknown option '--worker'; did you mean --workers?"],
    [['run'], "missing required argument 'pipeline'"],
    [['head', 'a', 'b'], 'too many arguments'],
    [['run', 'p.ts', '--workers', '0'], 'expected a whole number of at least 1'],
    [['run', 'p.ts', '--rejects-max', '101%'], 'expected a whole number, or a share such as 0.5%'],
    [['run', 'p.ts', '--param', 'month'], 'expected name=value'],
    [['run', 'p.ts', '--param', 'shop=a', '--param', 'shop=b'], 'expected each name once, got shop again'],
    [['run', 'p.ts', '--param-file', 'absent.json'], 'expected a readable file, got absent.json'],
    [['run', 'p.ts', '--fail-fast', '--keep-going'], 'cannot be used with option'],
    [['run', 'p.ts', '--log-level', 'loud'], 'expected one of debug, info, warn, error'],
    [['clean', '--older-than', 'week'], 'expected an age such as 7d, 12h or 30m'],
  ])('of %j is one line on stderr and exit 2', async (args, text) => {
    const { code, stdout, stderr } = await fanmill(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(text)
    expect(stderr).toMatch(/^fanmill: USAGE [^\n]+\n$/)
  })

  it('still ends --json with the end event', async () => {
    const finished = await fanmill(['run', 'p.ts', '--json', '--worker', '2'])
    expect(finished.code).toBe(2)
    expect(eventsOf(finished).events).toHaveLength(1)
    expect(eventsOf(finished).end).toMatchObject({ status: 'failed', tasks: [], error: { code: 'USAGE' } })
  })
})
