/** The commands that look: plan, tasks, infer, show, head, runs, status, clean; and unzip. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { eventsOf, fanmill, folderOf } from './fanmill.ts'

const pipelineText = `
import { column, csv, parquet, param, pipeline, task, zipMembers } from 'fanmill'

export const trips = task({
  name: 'trips',
  doc: 'trips of a month',
  params: { month: param.month({ doc: 'month of the upload', default: '2001-01' }) },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', members: '**/*.csv', format: csv() }),
  columns: { id: column.int32(), city: column.string() },
  output: parquet({ path: '{task}/{month}' }),
})

export default pipeline({ name: 'trips', tasks: [trips] })
`
const members = { 'a.csv': 'id,city\n1,Oslo\n2,Rome\n', 'b/c.csv': 'id,city\n3,Bern\n', 'readme.txt': 'hello' }
const project = () => folderOf({ 'pipeline.ts': pipelineText, 'incoming/2001-01/x.zip': buildZip(members) })

describe('before a run', () => {
  it('plans without writing an output', async () => {
    const cwd = project()
    const finished = await fanmill(['plan', 'pipeline.ts', '--json'], { cwd })
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(finished.stdout).tasks).toMatchObject([
      {
        task: 'trips',
        inputs: 1,
        members: 2,
        bytes: 37,
        slices: 1,
        batches: 1,
        skew: 1,
        expectedParts: 1,
        tables: [],
      },
    ])
    expect(existsSync(join(cwd, 'out/trips'))).toBe(false)
    expect((await fanmill(['plan', 'pipeline.ts'], { cwd })).stdout).toMatch(/^trips\(month=2001-01\) +1 +2 /m)
  })

  it('previews the first rows of a task with their types', async () => {
    const cwd = project()
    const finished = await fanmill(['preview', 'pipeline.ts', 'trips', '--rows', '1'], { cwd })
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expect(finished.stdout).toMatch(
      /^trips\(month=2001-01\): 2 records of a\.csv in incoming\/2001-01\/x\.zip\n\n *id: int32 +city: string\n +1 +Oslo\n/,
    )
    expect(existsSync(join(cwd, 'out'))).toBe(false)
    expect((await fanmill(['preview', 'pipeline.ts', 'trips', '--step', '1'], { cwd })).code).toBe(2)
  })

  it('lists tasks with parameters, defaults and docs', async () => {
    const { code, stdout } = await fanmill(['tasks', 'pipeline.ts'], { cwd: project() })
    expect(code).toBe(0)
    expect(stdout).toContain('trips: trips of a month')
    expect(stdout).toMatch(/month +month +2001-01 +month of the upload/)
  })

  it('lists which task reads the rows of another', async () => {
    const both = pipelineText
      .replace('parquet, param', 'parquet, param, partitionsOf')
      .replace(
        'export default',
        "const old = task({ name: 'old', source: partitionsOf(trips), output: parquet({ path: 'old/{month}' }) })\nexport default",
      )
      .replace('[trips]', '[old, trips]')
    const cwd = folderOf({ 'pipeline.ts': both })
    expect((await fanmill(['tasks', 'pipeline.ts'], { cwd })).stdout).toMatch(
      /^old\n {2}reads: trips\n {2}output: old/m,
    )
    const { tasks } = JSON.parse((await fanmill(['tasks', 'pipeline.ts', '--json'], { cwd })).stdout)
    expect(tasks).toMatchObject([{ name: 'trips' }, { name: 'old', reads: 'trips' }])
  })

  it('infers columns of an archive and of a file', async () => {
    const cwd = folderOf({ 'x.zip': buildZip(members), 'y.csv': 'id;day\n1;2001-01-02\n' })
    const archive = await fanmill(['infer', 'x.zip', '--members', '**/*.csv'], { cwd })
    expect(archive).toMatchObject({ code: 0, stderr: '' })
    expect(archive.stdout).toMatch(/columns: \{[^}]*id: column\.\w+\([^}]*city: column\.string\(/)
    const file = await fanmill(['infer', 'y.csv', '--delimiter', ';'], { cwd })
    expect(file.stdout).toMatch(/day: column\.date\(/)
  })
})

describe('after a run', () => {
  let cwd = ''
  let runId = ''
  beforeAll(async () => {
    cwd = project()
    runId = eventsOf(await fanmill(['run', 'pipeline.ts', '--json'], { cwd })).end.tasks[0]!.runId
  })

  it('lists the run', async () => {
    const { code, stdout } = await fanmill(['runs'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^${runId} +1 +trips +month=2001-01 +complete +1/1 +3 `, 'm'))
  })

  it('prints the status of the run, by its id and as the latest', async () => {
    const byId = await fanmill(['status', runId], { cwd })
    expect(byId.stdout).toContain(`run ${runId}, attempt 1: complete`)
    expect((await fanmill(['status'], { cwd })).stdout).toBe(byId.stdout)
  })

  it('fails with RUN_UNKNOWN for an unknown run', async () => {
    const { code, stderr } = await fanmill(['status', 'ffff'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^fanmill: RUN_UNKNOWN expected the id of a run in .+\/out, or its first digits, got ffff; /)
    const empty = await fanmill(['rejects', '--output', 'nowhere'], { cwd })
    expect(empty.stderr).toMatch(/^fanmill: RUN_UNKNOWN expected a run in .+\/nowhere, got an output without any; /)
  })

  it('shows schema, parts, rows and bytes of the dataset', async () => {
    const { code, stdout } = await fanmill(['show', 'out/trips/2001-01'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^trips: 3 rows, .* 1 part, generation 1$/m)
    expect(stdout).toMatch(/^id +int32/m)
    expect(stdout).toMatch(/^part-\S+\.parquet +3 /m)
  })

  it('prints first rows, chosen by column and condition', async () => {
    const args = ['head', 'out/trips/2001-01', '--columns', 'city,id', '--where', 'id > 2']
    expect((await fanmill(args, { cwd })).stdout).toBe('city  id\nBern  3\n')
    const two = await fanmill(['head', 'out/trips/2001-01', '--rows', '2', '--json'], { cwd })
    expect(JSON.parse(two.stdout)).toMatchObject({
      columns: ['id', 'city'],
      rows: [expect.any(Array), expect.any(Array)],
    })
  })

  it('runs SQL over committed datasets, as a table, as CSV, and into a file', async () => {
    const select = 'select city, id from trips where id > 1 order by id'
    const args = ['sql', select, '--tasks', 'pipeline.ts']
    expect(await fanmill(args, { cwd })).toMatchObject({ code: 0, stdout: 'city  id\nRome   2\nBern   3\n' })
    expect((await fanmill([...args, '--format', 'csv'], { cwd })).stdout).toBe('city,id\nRome,2\nBern,3\n')
    const toFile = ['sql', select, '--dataset', 'trips=out/trips/2001-01', '--to', 'rows.json']
    expect((await fanmill(toFile, { cwd })).stdout).toBe('2 rows: rows.json\n')
    expect(readFileSync(join(cwd, 'rows.json'), 'utf8')).toBe('{"city":"Rome","id":2}\n{"city":"Bern","id":3}\n')
    const unknown = await fanmill(['sql', 'select 1 from trip'], { cwd })
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('unknown table trip') })
  })

  it('fails with DATASET_MISSING when there is no dataset', async () => {
    const { code, stderr } = await fanmill(['show', 'out/nothing'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^fanmill: DATASET_MISSING /)
  })

  it('prints that there are no rejects', async () => {
    expect((await fanmill(['rejects', runId], { cwd })).stdout).toBe('no rejects\n')
  })

  it('removes nothing new when it cleans', async () => {
    const { code, stdout } = await fanmill(['clean', '--dry-run'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^0 files, 0 B would be removed$/m)
  })
})

describe('fanmill unzip', () => {
  it('extracts members of any kind and writes _SUCCESS', async () => {
    const cwd = folderOf({ 'x.zip': buildZip(members) })
    const finished = await fanmill(['unzip', 'x.zip', 'all', '--workers', '2', '--json'], { cwd })
    expect(finished.code).toBe(0)
    expect(JSON.parse(finished.stdout)).toMatchObject({ event: 'end', status: 'complete', files: 3, bytes: 42 })
    expect(readFileSync(join(cwd, 'all/b/c.csv'), 'utf8')).toBe(members['b/c.csv'])
    expect(readdirSync(join(cwd, 'all'))).toEqual(expect.arrayContaining(['_SUCCESS', 'a.csv', 'b', 'readme.txt']))
  })

  it('extracts only what the glob selects', async () => {
    const cwd = folderOf({ 'x.zip': buildZip(members) })
    const { stdout } = await fanmill(['unzip', 'x.zip', 'some', '--members', '**/*.csv'], { cwd })
    expect(stdout).toMatch(/^2 files, 37 B, /)
    expect(existsSync(join(cwd, 'some/readme.txt'))).toBe(false)
  })

  it('refuses unsafe names', async () => {
    const cwd = folderOf({ 'x.zip': buildZip({ '../evil.txt': 'x' }) })
    const { code, stderr } = await fanmill(['unzip', 'x.zip', 'all'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^fanmill: ZIP_UNSAFE_NAME /)
    expect(existsSync(join(cwd, 'evil.txt'))).toBe(false)
  })
})
