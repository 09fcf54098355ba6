/** `fanmill run` as a process: exit codes, what goes to stdout and stderr, `--json`. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { eventsOf, fanmill, folderOf, spawnFanmill } from './fanmill.ts'

const pipelineText = `
import { column, csv, parquet, param, pipeline, task, zipMembers } from 'fanmill'

export const trips = task({
  name: 'trips',
  doc: 'trips of a month',
  params: { month: param.month({ doc: 'month of the upload' }) },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', members: '**/*.csv', format: csv() }),
  columns: { id: column.int32(), city: column.string() },
  output: parquet({ path: '{task}/{month}' }),
}).mapRows(({ id }) => ({ twice: (id ?? 0) * 2 }), { adds: { twice: column.int32() } })

export default pipeline({ name: 'trips', tasks: [trips] })
`

/** The same task without columns, and without the step that uses one. */
const withoutColumns = pipelineText.replace(/ {2}columns.*\n/, '').replace(/\.mapRows\(.*\n/, '\n')
const good = { 'a.csv': 'id,city\n1,Oslo\n2,Rome\n', 'b/c.csv': 'city,id\nBern,3\n' }
const withReject = { ...good, 'd.csv': 'id,city\n1.5,Lima\n4,Kyiv\n' }

function project(members: Readonly<Record<string, string>> = good, text = pipelineText): string {
  return folderOf({ 'pipeline.ts': text, 'incoming/2001-01/x.zip': buildZip(members) })
}

const run = ['run', 'pipeline.ts', '--param', 'month=2001-01', '--workers', '1']

describe('a run that completes', () => {
  it('exits 0, prints the summary on stdout and where the dataset is', async () => {
    const cwd = project()
    const { code, stdout, stderr } = await fanmill(run, { cwd })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^task +status +rows +rejects +members +parts +bytes in +bytes out +seconds +MB\/s inflated$/m,
    )
    expect(stdout).toMatch(/^trips\(month=2001-01\) +complete +3 +0 +2 +1 /m)
    expect(stdout).toMatch(/out\/trips\/2001-01/)
    expect(existsSync(join(cwd, 'out/trips/2001-01/_SUCCESS'))).toBe(true)
  })

  it('reports that it is complete already when it runs again, and exits 0', async () => {
    const cwd = project()
    await fanmill(run, { cwd })
    const again = await fanmill(run, { cwd })
    expect(again.code).toBe(0)
    expect(again.stdout).toMatch(/^trips\(month=2001-01\): complete already/m)
    const json = eventsOf(await fanmill([...run, '--json'], { cwd }))
    expect(json.end).toMatchObject({ status: 'skipped', tasks: [{ task: 'trips', status: 'skipped' }] })
  })

  it('prints nothing but JSON events with --json, the end as the last and only once', async () => {
    const finished = await fanmill([...run, '--json'], { cwd: project() })
    const { events, end } = eventsOf(finished)
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expect(events.filter(({ event }) => event === 'end')).toHaveLength(1)
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['start', 'plan', 'end']))
    const phases = events.flatMap(event => (event.event === 'progress' ? [event.phase] : []))
    expect(phases.filter((phase, index) => phase !== phases[index - 1])).toEqual(['plan', 'convert', 'commit'])
    const nodes = new Set(events.flatMap(event => (event.event === 'end' ? [] : event.node)))
    expect([...nodes]).toEqual(['trips(month=2001-01)'])
    expect(Object.keys(end)).toEqual(['event', 'status', 'tasks'])
    expect(end.tasks).toEqual([
      {
        task: 'trips',
        node: 'trips(month=2001-01)',
        runId: expect.stringMatching(/^[0-9a-f]+$/),
        status: 'complete',
        rowsRead: 3,
        rowsWritten: 3,
        rowsRejected: 0,
        rowsFiltered: 0,
        members: 2,
        membersSkipped: 0,
        parts: 1,
        bytesIn: expect.any(Number),
        bytesInflated: expect.any(Number),
        partsSkipped: 0,
        reasons: [{ kind: 'neverRun', text: 'first run' }],
        rowGroupsSkipped: 0,
        bytesOut: expect.any(Number),
        seconds: expect.any(Number),
        output: expect.stringContaining('trips/2001-01'),
      },
    ])
  })

  it('prints nothing with --quiet', async () => {
    expect(await fanmill([...run, '--quiet'], { cwd: project() })).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('takes parameters from a file, and settings from the environment', async () => {
    const cwd = project()
    writeFileSync(join(cwd, 'params.json'), '{ "month": "2001-01" }')
    const env = { FANMILL_OUTPUT: 'lake', FANMILL_WORKERS: '1' }
    const { code } = await fanmill(['run', 'pipeline.ts', 'trips', '--param-file', 'params.json'], { cwd, env })
    expect(code).toBe(0)
    expect(existsSync(join(cwd, 'lake/trips/2001-01/_SUCCESS'))).toBe(true)
  })

  it('writes a sample into a folder of its own', async () => {
    const cwd = project()
    const { code, stdout } = await fanmill([...run, '--sample', '1'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/sample/)
    expect(existsSync(join(cwd, 'out/trips'))).toBe(false)
    expect(readdirSync(join(cwd, 'out'))).toEqual(['.fanmill'])
  })
})

describe('a run that fails', () => {
  it('exits 1 and shows rejected rows as a table', async () => {
    const cwd = project(withReject)
    const { code, stderr } = await fanmill(run, { cwd })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^fanmill: REJECTS_OVER_LIMIT /m)
    expect(stderr).toMatch(/^archive +member +line +column +expected +received$/m)
    expect(stderr).toMatch(/d\.csv +2 +id .*1\.5$/m)
    expect(stderr).not.toContain('    at ')
    expect(existsSync(join(cwd, 'out/trips/2001-01/_SUCCESS'))).toBe(false)
  })

  it('names the command that shows more, with --output when it is not the default', async () => {
    const [cwd, other] = [project(withReject), project(withReject)]
    expect((await fanmill(run, { cwd })).stdout).toMatch(/nothing was committed; fanmill status [0-9a-f]+$/m)
    const { stdout } = await fanmill([...run, '--output', 'there', '--sample', '100%'], { cwd: other })
    const hint = /nothing was committed; fanmill (status [0-9a-f]+ --output there\/\.fanmill\/sample)$/m.exec(
      stdout,
    )?.[1]
    expect((await fanmill(hint!.split(' '), { cwd: other })).stdout).toContain('REJECTS_OVER_LIMIT')
  })

  it('ends --json with the code, message and detail', async () => {
    const finished = await fanmill([...run, '--json'], { cwd: project(withReject) })
    expect(finished.code).toBe(1)
    const { end } = eventsOf(finished)
    expect(end).toMatchObject({
      status: 'failed',
      tasks: [{ task: 'trips', status: 'failed', rowsRead: expect.any(Number), rowsRejected: 1, rowsWritten: 0 }],
      error: { code: 'REJECTS_OVER_LIMIT', message: expect.any(String), detail: { rejected: 1 } },
    })
  })

  it('completes when the command line allows the rejects, and `fanmill rejects` shows them', async () => {
    const cwd = project(withReject)
    const finished = await fanmill([...run, '--rejects-max', '1', '--json'], { cwd })
    expect(finished.code).toBe(0)
    const [task] = eventsOf(finished).end.tasks
    expect(task).toMatchObject({ rowsWritten: 4, rowsRejected: 1 })
    const rejects = await fanmill(['rejects', '--json'], { cwd })
    expect(JSON.parse(rejects.stdout)).toMatchObject({ member: 'd.csv', line: 2, column: 'id', received: '1.5' })
  })

  it('ends the summary with the number of rejects and the command that shows them', async () => {
    const cwd = project(withReject)
    const { stdout } = await fanmill([...run, '--rejects-max', '1', '--output', 'there'], { cwd })
    const [, hint] =
      /^trips\(month=2001-01\): 1 row was rejected; fanmill (rejects [0-9a-f]+ --output there)$/m.exec(stdout) ?? []
    expect((await fanmill(hint!.split(' '), { cwd })).stdout).toMatch(/d\.csv +2 +id .*1\.5$/m)
  })

  it('begins no task after one that failed with --fail-fast, and lists the others as not run', async () => {
    const names = ['trips', 'second', 'third', 'fourth', 'later']
    const many = pipelineText
      .replace('export const trips = task({', 'const define = (name: string) => task({')
      .replace("name: 'trips',", 'name,')
      .replace('tasks: [trips]', `tasks: ${JSON.stringify(names)}.map(define)`)
    const cwd = project(withReject, many)
    const { code, stdout } = await fanmill([...run, '--workers', '2', '--fail-fast'], { cwd })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^trips\(month=2001-01\) +failed /m)
    expect(stdout).toMatch(/^later\(month=2001-01\) +not run +0 /m)
    expect(stdout).toMatch(/^later\(month=2001-01\): not run, because /m)
    const { end } = eventsOf(await fanmill([...run, '--workers', '2', '--fail-fast', '--json'], { cwd }))
    const statuses = new Map(end.tasks.map(({ task, status }) => [task, status]))
    // Three tasks begin at once on two workers.
    expect([statuses.get('trips'), statuses.get('fourth'), statuses.get('later')]).toEqual([
      'failed',
      'notRun',
      'notRun',
    ])
  })

  it('exits 1 with NO_INPUT when nothing matches', async () => {
    const { code, stderr } = await fanmill(['run', 'pipeline.ts', '--param', 'month=2001-02'], { cwd: project() })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^fanmill: NO_INPUT .*incoming\/2001-02\/\*\.zip/m)
  })

  it('shows the stack only with --debug', async () => {
    const { stderr } = await fanmill(['run', 'absent.ts', '--debug'], { cwd: project() })
    expect(stderr).toContain('    at ')
  })
})

describe('a wrong definition or call', () => {
  it.each([
    ['DEFINITION_LOAD', ['run', 'absent.ts'], pipelineText],
    ['DEFINITION_INVALID', run, pipelineText.replace('doc:', 'dco:')],
    ['TASK_UNKNOWN', ['run', 'pipeline.ts', 'trip', '--param', 'month=2001-01'], pipelineText],
    ['PARAM_INVALID', ['run', 'pipeline.ts', '--param', 'month=2001-13'], pipelineText],
    ['PARAM_INVALID', ['run', 'pipeline.ts'], pipelineText],
    ['COLUMNS_MISSING', run, withoutColumns],
  ])('exits 2 with %s', async (code, args, text) => {
    const finished = await fanmill(args, { cwd: project(good, text) })
    expect(finished.code).toBe(2)
    expect(finished.stderr).toContain(`fanmill: ${code} `)
  })

  it('names the nearest task for one that the pipeline does not have', async () => {
    const { stderr } = await fanmill(['run', 'pipeline.ts', 'trip', '--param', 'month=2001-01'], { cwd: project() })
    expect(stderr).toMatch(/TASK_UNKNOWN pipeline \w+ has no task trip; did you mean trips/)
  })

  it('prints the definition to paste when a task has no columns', async () => {
    const { stderr } = await fanmill(run, { cwd: project(good, withoutColumns) })
    expect(stderr).toMatch(/id: column\.\w+\(/)
    expect(stderr).toMatch(/city: column\.string\(/)
  })
})

describe('an interrupted run', () => {
  it('is over soon although a function does not return, and the same command resumes it', async () => {
    // The function waits in its thread until the test lets it go.
    const text = pipelineText
      .replace('import {', "import { existsSync, writeFileSync } from 'node:fs'\nimport {")
      .replace('(id ?? 0) * 2', 'hold(id ?? 0)')
      .concat(`
function hold(id: number): number {
  writeFileSync('started', '')
  while (!existsSync('go')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  return id * 2
}`)
    const cwd = project(good, text)
    const child = spawnFanmill(run, { cwd })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', chunk => {
      stderr += chunk
    })
    const closed = new Promise(resolve => child.on('close', (code, signal) => resolve(code ?? signal)))
    while (!existsSync(join(cwd, 'started')) && child.exitCode === null) await delay(20)
    child.kill('SIGINT')
    // The function never returns, so that the process ends its threads by force.
    expect(await closed, stderr).toBe(130)
    expect(stderr).toMatch(/^fanmill: ABORTED .*the same command resumes it/m)
    expect(existsSync(join(cwd, 'out/trips/2001-01/_SUCCESS'))).toBe(false)
    expect(readdirSync(join(cwd, 'out/.fanmill/tmp'))).toEqual([])
    writeFileSync(join(cwd, 'go'), '')
    expect(eventsOf(await fanmill([...run, '--json'], { cwd })).end).toMatchObject({ status: 'complete' })
  })
})
