/** Graphs on the command line: backfills, plans with reasons, drawings. */
import { expect, it } from 'vitest'
import { fanmill, folderOf } from './fanmill.ts'

const pipeline = `
import { column, count, csv, files, param, parquet, partitionsOf, pipeline, task } from 'fanmill'
const flights = task({
  name: 'flights',
  params: { month: param.month() },
  source: files({ paths: '{month}.csv', format: csv() }),
  columns: { delay: column.int32() },
  output: parquet({ path: 'flights/{month}' }),
})
const late = task({ name: 'late', source: partitionsOf(flights), output: parquet({ path: 'late/{month}' }) })
  .reduce({ by: ['delay'], measures: { n: count() } })
export default pipeline({ name: 'flights', tasks: [flights, late] })
`

it('runs a range of months, and says of each node why it ran, is due, or is complete', async () => {
  const cwd = folderOf({ 'pipeline.ts': pipeline, '2001-01.csv': 'delay\n1\n', '2001-02.csv': 'delay\n2\n' })
  const first = await fanmill(['run', 'pipeline.ts', 'flights', '--param', 'month=2001-01'], { cwd })
  expect(first.stdout).toMatch(/^flights\(month=2001-01\): complete in .+ \(first run\)$/m)

  const range = ['--param', 'month=2001-01..2001-02']
  const plan = await fanmill(['plan', 'pipeline.ts', 'late', ...range], { cwd })
  expect(plan.stdout).toContain('flights(month=2001-01): complete already\n')
  expect(plan.stdout).toContain('late(month=2001-02): runs (upstream runs: flights(month=2001-02))\n')
  expect(plan.stdout).toContain('4 nodes: 3 due, 1 complete\n')
  expect(plan.stdout).toMatch(/^late\(month=2001-02\) +2 +delay *1?$/m)
  expect(plan.stderr).toBe('')

  const run = await fanmill(['run', 'pipeline.ts', 'late', ...range], { cwd })
  expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('4 nodes: 3 complete, 1 complete already\n') })
  expect((await fanmill(['plan', 'pipeline.ts', 'late', ...range], { cwd })).stdout).not.toContain('rows by')

  const tree = await fanmill(['graph', 'pipeline.ts', 'late', ...range], { cwd })
  expect(tree.stdout).toBe(`late(month=2001-01)  complete
└─ flights(month=2001-01)  complete
late(month=2001-02)  complete
└─ flights(month=2001-02)  complete
4 nodes, 4 complete
`)
  const svg = await fanmill(['graph', 'pipeline.ts', ...range, '--format', 'svg'], { cwd })
  expect(svg.stdout).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
  const json = await fanmill(['graph', 'pipeline.ts', '--param', 'month=2001-03', '--json'], { cwd })
  expect(JSON.parse(json.stdout)).toMatchObject({
    requested: ['flights(month=2001-03)', 'late(month=2001-03)'],
    nodes: [
      { node: 'flights(month=2001-03)', state: 'due', reasons: [{ kind: 'input', text: 'input missing' }] },
      { node: 'late(month=2001-03)', state: 'due', requires: ['flights(month=2001-03)'] },
    ],
  })
})

it('draws the last attempt of a run that failed', async () => {
  const cwd = folderOf({ 'pipeline.ts': pipeline, '2001-01.csv': 'delay\nmany\n' })
  expect(await fanmill(['run', 'pipeline.ts', '--param', 'month=2001-01'], { cwd })).toMatchObject({ code: 1 })
  const { stdout } = await fanmill(['graph', 'pipeline.ts', '--param', 'month=2001-01', '--format', 'mermaid'], { cwd })
  expect(stdout).toContain('n0["flights(month=2001-01)"]:::failed\n')
  expect(stdout).toContain('n1["late(month=2001-01)"]:::due\n')
})

it('prints all nodes of the last command, why some failed or were not run, and the rejects of all', async () => {
  const months = { '2001-01.csv': 'delay\n1\n', '2001-02.csv': 'delay\nmany\n', '2001-03.csv': 'delay\nfew\nsome\n' }
  const cwd = folderOf({ 'pipeline.ts': pipeline, ...months })
  const range = ['--param', 'month=2001-01..2001-03']
  const run = await fanmill(['run', 'pipeline.ts', ...range], { cwd })
  expect(run.code).toBe(1)
  expect(run.stdout).toContain('late(month=2001-03): not run, because flights(month=2001-03) failed\n')
  const { stdout } = await fanmill(['status'], { cwd })
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^task +status +rows +rejects +seconds +run$/),
    expect.stringMatching(/^flights\(month=2001-01\) +complete +1 +0 +[\d.]+ +[0-9a-f]{16}$/),
    expect.stringMatching(/^flights\(month=2001-02\) +failed +0 +1 +[\d.]+ +[0-9a-f]{16}$/),
    expect.stringMatching(/^flights\(month=2001-03\) +failed +0 +2 +[\d.]+ +[0-9a-f]{16}$/),
    expect.stringMatching(/^late\(month=2001-01\) +complete +1 +0 /),
    expect.stringMatching(/^late\(month=2001-02\) +not run +0 +0 +0\.00$/),
    expect.stringMatching(/^late\(month=2001-03\) +not run +0 +0 +0\.00$/),
    expect.stringMatching(/^flights\(month=2001-02\): failed: REJECTS_OVER_LIMIT .+; fanmill status [0-9a-f]{16}$/),
    expect.stringMatching(/^flights\(month=2001-03\): failed: REJECTS_OVER_LIMIT .+; fanmill status [0-9a-f]{16}$/),
    'late(month=2001-02): not run, because flights(month=2001-02) failed',
    'late(month=2001-03): not run, because flights(month=2001-03) failed',
    '6 nodes: 2 complete, 2 failed, 2 not run',
    '3 rejected rows; fanmill rejects',
    '',
  ])
  const rejects = await fanmill(['rejects'], { cwd })
  expect(rejects.stdout.split('\n').map(line => line.split(/ +/)[0])).toEqual([
    ...['node', 'flights(month=2001-02)', 'flights(month=2001-03)', 'flights(month=2001-03)', ''],
  ])
  const [, one = ''] = /fanmill status (\S+)/.exec(stdout) ?? []
  expect((await fanmill(['rejects', one], { cwd })).stdout).toMatch(/^archive .+\n2001-02\.csv .*many\n$/)
  // A single run that began later is the last command.
  expect(
    await fanmill(['run', 'pipeline.ts', 'flights', '--param', 'month=2001-01', '--force'], { cwd }),
  ).toMatchObject({ code: 0 })
  expect((await fanmill(['status'], { cwd })).stdout).toMatch(/^run [0-9a-f]{16}, attempt 2: complete$/m)
  expect((await fanmill(['rejects'], { cwd })).stdout).toBe('no rejects\n')
})

it('says in the summary why a node failed before its run began', async () => {
  const cwd = folderOf({ 'pipeline.ts': pipeline, '2001-01.csv': 'delay\n1\n' })
  const run = await fanmill(['run', 'pipeline.ts', '--param', 'month=2001-01..2001-02'], { cwd })
  expect(run.stdout).toMatch(/^flights\(month=2001-02\): failed before its run began: NO_INPUT .*2001-02\.csv/m)
  expect((await fanmill(['status'], { cwd })).stdout).toMatch(/^flights\(month=2001-02\): failed: NO_INPUT /m)
})

it('counts nodes that are complete without listing them where there are many', async () => {
  const days = Array.from({ length: 12 }, (_, at) => `2001-${String(at + 1).padStart(2, '0')}.csv`)
  const files = Object.fromEntries(days.map((name, at) => [name, `delay\n${at === 5 ? 'many' : at}\n`]))
  const cwd = folderOf({ 'pipeline.ts': pipeline, ...files })
  await fanmill(['run', 'pipeline.ts', '--param', 'month=2001-01..2001-12'], { cwd })
  const { stdout } = await fanmill(['status', '--output', 'out'], { cwd })
  expect(stdout).toMatch(/^task .+\nflights\(month=2001-06\) +failed .+\nlate\(month=2001-06\) +not run .+\nflights/)
  expect(stdout).toContain(
    '\n24 nodes: 22 complete, 1 failed, 1 not run\n1 rejected row; fanmill rejects --output out\n',
  )
  const status = JSON.parse((await fanmill(['status', '--json'], { cwd })).stdout)
  expect(status.nodes.filter(({ state }: { state: string }) => state !== 'complete')).toMatchObject([
    { node: 'flights(month=2001-06)', params: { month: '2001-06' }, error: { code: 'REJECTS_OVER_LIMIT' } },
    { node: 'late(month=2001-06)', state: 'notRun', blockedBy: 'flights(month=2001-06)' },
  ])
})

it('refuses a wrong range with the parameter', async () => {
  const cwd = folderOf({ 'pipeline.ts': pipeline })
  const { code, stderr } = await fanmill(['graph', 'pipeline.ts', '--param', 'month=2001-02..2001-01'], { cwd })
  expect(code).toBe(2)
  expect(stderr).toContain('PARAM_INVALID param month: expected a range from the earlier to the later value')
})
