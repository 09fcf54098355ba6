/** Projects that are created around data. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { sqlRows } from '../../lib/datasets/sql-query.ts'
import { run } from '../../lib/index.ts'
import { dataFiles } from '../../lib/infer/data-files.ts'
import { initProject } from '../../lib/init/init-project.ts'
import { projectVersions } from '../../lib/init/project-files.ts'
import { projectNames } from '../../lib/init/project-names.ts'
import { preview } from '../../lib/local/preview/preview.ts'
import { fanmill, folderOf } from '../cli/fanmill.ts'
import { buildTar } from '../tar-builder.ts'
import { buildZip } from '../zip-builder.ts'

const folder = mkdtempSync(join(tmpdir(), 'fanmill-init-'))
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const init = (name: string, data?: string) => initProject({ data, directory: join(folder, name), version: '0.1.0' })
const text = (name: string, path: string): string => readFileSync(join(folder, name, path), 'utf8')

describe('fanmill init', () => {
  it('creates a pipeline that reads an archive, and a test of its first records', async () => {
    const data = file('Trips 2024.zip', buildZip({ 'a/x.csv': 'id;day\n1;31.01.2024\n', 'readme.md': 'hello' }))
    const { task, files } = await init('trips', data)
    expect(task).toBe('trips-2024')
    expect(files).toContain('test/sample.csv')
    const pipeline = text('trips', 'pipelines/trips-2024.ts')
    expect(pipeline).toContain(
      "zipMembers({ paths: 'Trips 2024.zip', members: '**/*.csv', format: csv({ delimiter: ';' }) })",
    )
    expect(pipeline).toContain("day: column.date({ format: '%d.%m.%Y' }),")
    expect(text('trips', 'test/trips-2024.test.ts')).toContain("{ 'Trips 2024.zip': { 'a/x.csv': sample } }")
    expect(JSON.parse(text('trips', 'fanmill.config.json'))).toEqual({ input: '..', output: 'out' })
    const made = join(folder, 'trips')
    const options = { input: folder, output: join(made, 'out'), workers: 1 }
    expect(await run(join(made, 'pipelines/trips-2024.ts'), options)).toMatchObject({ status: 'complete' })
    expect((await preview(join(made, 'pipelines/trips-2024.ts'), { task, ...options })).rows).toEqual([
      ['1', '2024-01-31'],
    ])
  })

  it('reads the members whose ending is written in another case too', async () => {
    await init('cased', file('cased.zip', buildZip({ 'a.csv': 'id\n1\n', 'b.CSV': 'id\n2\n', 'c.txt': 'x' })))
    expect(text('cased', 'pipelines/cased.ts')).toContain("members: '**/*{.csv,.CSV}'")
    const options = { input: folder, output: join(folder, 'cased/out'), workers: 1 }
    const { tasks } = await run(join(folder, 'cased/pipelines/cased.ts'), options)
    expect(tasks).toMatchObject([{ rowsWritten: 2 }])
  })

  it('reads the members of all endings that the columns were inferred from', async () => {
    const members = { 'a.ndjson': '{"id":1}\n{"id":2}\n', 'b.json': '{"id":3}\n', 'c.txt': 'x' }
    await init('endings', file('endings.zip', buildZip(members)))
    expect(text('endings', 'pipelines/endings.ts')).toContain("members: '**/*{.ndjson,.json}'")
    const options = { input: folder, output: join(folder, 'endings/out'), workers: 1 }
    const { tasks } = await run(join(folder, 'endings/pipelines/endings.ts'), options)
    expect(tasks).toMatchObject([{ rowsWritten: 3 }])
  })

  it.each<readonly [what: string, given: string, name: string, source: string, input: string]>([
    ['folder', 'sales', 'sales', "files({ paths: '*.csv.gz', format: csv() })", '../sales'],
    ['deep folder', 'deep', 'deep', "files({ paths: '**/*{.csv,.CSV}', format: csv() })", '../deep'],
    [
      'folder of archives',
      'zips',
      'zips',
      "zipMembers({ paths: '*.zip', members: '**/*.csv', format: csv() })",
      '../zips',
    ],
    ['glob', 'deep/*/*.csv', 'deep', "files({ paths: '*/*.csv', format: csv() })", '../deep'],
    ['glob that begins with a name', 'deep/x/part-*', 'part', "files({ paths: 'part-*', format: csv() })", '../deep/x'],
  ])('reads the files of a %s, and tests the first of them', async (_what, given, name, source, input) => {
    const cwd = folderOf({
      'sales/a.csv.gz': gzipSync('id\n1\n'),
      'sales/b.csv.gz': gzipSync('id\n2\n'),
      'sales/_SUCCESS': '',
      'deep/x/part-1.csv': 'id\n1\n',
      'deep/y/part-2.csv': 'id\n2\n',
      'deep/y/3.CSV': 'id\n3\n',
      'zips/1.zip': buildZip({ 'x/a.csv': 'id\n1\n' }),
      'zips/2.zip': buildZip({ 'x/b.csv': 'id\n2\n' }),
    })
    const data = join(cwd, given)
    const { task } = await initProject({ data, directory: join(cwd, 'made'), version: '0.1.0' })
    expect(task).toBe(name)
    const pipeline = join(cwd, `made/pipelines/${name}.ts`)
    expect(readFileSync(pipeline, 'utf8')).toContain(source)
    expect(JSON.parse(readFileSync(join(cwd, 'made/fanmill.config.json'), 'utf8')).input).toBe(input)
    const { tasks } = await run(pipeline, { input: join(cwd, 'made', input), output: join(cwd, 'out'), workers: 1 })
    const { keys } = await dataFiles(data)
    expect(tasks).toMatchObject([{ status: 'complete', rowsWritten: keys.length }])
    const test = readFileSync(join(cwd, `made/test/${name}.test.ts`), 'utf8')
    expect(test).toContain(`files: { '${keys[0]}': `)
  })

  it('makes the project beside the folder of its data', async () => {
    const cwd = folderOf({ 'sales/a.csv': 'id\n1\n', 'sales/b.csv': 'id\n2\n' })
    const { stdout } = await fanmill(['init', 'sales/'], { cwd })
    expect(stdout).toContain('sales-pipeline: a project with the task sales, inferred from 2 files\n')
    const { stdout: globbed } = await fanmill(['init', 'sales/*', 'other'], { cwd })
    expect(globbed).toContain('other: a project with the task sales, inferred from 2 files\n')
    expect(readdirSync(join(cwd, 'sales'))).toEqual(['a.csv', 'b.csv'])
  })

  it('says how to give several files, which a shell makes of a glob', async () => {
    const cwd = folderOf({ 'in/a.csv': 'id\n1\n', 'in/b.csv': 'id\n2\n' })
    const several = await fanmill(['init', 'in/a.csv.gz', 'in/b.csv.gz', 'in/c.csv.gz'], { cwd })
    expect(several).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        "got 3 paths; for several files, give their folder, or a glob in quotes, such as 'in/*.csv.gz'",
      ),
    })
    const two = await fanmill(['init', 'in/a.csv', 'in/b.csv'], { cwd })
    expect(two).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /got the file .+; for several files of data, give their folder, or a glob in quotes/,
      ),
    })
  })

  it.each([
    ['its test', { 'a.csv': 'id\n1\n', 'x/b.csv': 'id\n2\n' }, 'test/sample.csv'],
    ['its settings', { 'a.json': '[{"id": 1}]' }, 'package.json'],
  ])('refuses a folder where %s would be data', async (_what, files, read) => {
    const cwd = folderOf(files)
    const failing = initProject({ data: cwd, directory: cwd, version: '0.1.0' })
    await expect(failing).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`matches ${read} too`),
    })
    expect(readdirSync(cwd)).toEqual(Object.keys(files).map(name => name.replace(/\/.*/, '')))
  })

  it('allows some rejects where the data has some, and compresses the sample as the data is', async () => {
    const rows = Array.from({ length: 600 }, (_, id) => `${id},${'x'.repeat(20)}\n`).join('')
    await init('logs', file('logs.csv.gz', gzipSync(`id,text\n${rows}total: 600\n`)))
    expect(text('logs', 'pipelines/logs.ts')).toContain("rejects: { max: '1%' }")
    expect(readdirSync(join(folder, 'logs/test'))).toEqual(['logs.test.ts', 'sample.csv.gz'])
  })

  it.each([
    ['the member that it read', { 'a.csv': 'id\n1\n' }, 'a.csv'],
    ['how many members it read', { 'a.csv': 'id\n1\n', 'b.csv': 'id\n2\n' }, '2 files'],
  ])('prints %s', async (_what, members, read) => {
    const cwd = mkdtempSync(join(folder, 'printed-'))
    writeFileSync(join(cwd, 'visits.zip'), buildZip(members))
    const { stdout } = await fanmill(['init', 'visits.zip', 'made'], { cwd })
    expect(stdout).toContain(`made: a project with the task visits, inferred from ${read}\n`)
  })

  it('writes example data where none is given', async () => {
    const { files } = await init('example')
    expect(files).toEqual(expect.arrayContaining(['data/visits.csv', 'pipelines/visits.ts', 'app.ts', 'tsconfig.json']))
  })

  it('never overwrites a file', async () => {
    await expect(init('example')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/data\/visits.csv/),
    })
    const data = file('again.csv', 'id\n1\n2\n')
    await init('again', data)
    await expect(init('again', data)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(init('again.csv', data)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/got the file/),
    })
    expect(existsSync(join(folder, 'nothing'))).toBe(false)
  })

  it('makes names that tasks, stacks and TypeScript take', () => {
    expect(projectNames('2001-flights.tar.gz')).toEqual({
      name: 'data-2001-flights',
      variable: 'data2001Flights',
      stack: 'Data2001Flights',
    })
    expect(projectNames('files.csv')).toMatchObject({ name: 'files', variable: 'filesTask' })
    expect(projectNames('été.csv')).toMatchObject({ name: 'ete' })
    expect(projectNames('数据.csv')).toMatchObject({ name: 'data' })
  })

  it('installs the versions of packages with which Fanmill is tested', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(devDependencies).toMatchObject(projectVersions)
  })
})

describe('the pipeline for', () => {
  const rows = [
    { id: 1, name: 'Zürich', day: '2024-01-05' },
    { id: 2, name: 'Oslo', day: '2024-01-06' },
    { id: 3, name: 'Bern', day: '2024-01-07' },
  ]
  const delimited = `id;name;day\n${rows.map(row => Object.values(row).join(';')).join('\n')}\n`
  const inDocument = { made: 'today', data: { 'the rows': rows } }
  const inXml = rows
    .map(({ id, name, day }) => `<row id="${id}"><name>${name}</name><day>${day}</day></row>`)
    .join('\n')
  const inPlaces = rows.map(({ id, name, day }) => `${String(id).padStart(4)}  ${name.padEnd(8)} ${day}\n`).join('')
  const inner = buildZip({ 'x/a.csv': delimited })
  const wide = (text: string, isBig = false): Buffer => {
    const little = Buffer.from(`\ufeff${text}`, 'utf16le')
    return isBig ? little.swap16() : little
  }

  it.each<readonly [name: string, format: string, content: string | Buffer]>([
    ['a.csv', "files({ paths: 'a.csv', format: csv({ delimiter: ';' }) })", delimited],
    ['lines.ndjson', 'jsonLines()', rows.map(row => `${JSON.stringify(row)}\n`).join('')],
    ['array.json', 'json()', JSON.stringify(rows, null, 2)],
    ['array.json.gz', 'json()', gzipSync(JSON.stringify(rows))],
    ['document.json', "json({ path: '$.data[\\'the rows\\'][*]' })", JSON.stringify(inDocument)],
    ['feed.xml', "xml({ record: 'feed/rows/row' })", `<feed><rows>\n${inXml}\n</rows></feed>`],
    [
      'places.txt',
      'fixedWidth({ columns: { id: { from: 1, to: 6 }, name: { from: 7, to: 15 }',
      `  id  name     day       \n${inPlaces}`,
    ],
    ['utf16.csv', "csv({ delimiter: ';', encoding: 'utf-16' })", wide(delimited)],
    ['big-endian.txt', "csv({ delimiter: ';', encoding: 'utf-16be' })", wide(delimited, true).subarray(2)],
    ['utf16.json', "json({ encoding: 'utf-16' })", wide(JSON.stringify(rows))],
    ['utf16.xml', "xml({ record: 'feed/row' })", wide(`<feed>${inXml}</feed>`, true)],
    [
      'months.zip',
      "members: '**/*.csv', nested: true, format: csv({ delimiter: ';' })",
      buildZip({ 'm/1.zip': inner, 'readme.txt': 'hello' }),
    ],
    ['months.tar.gz', 'nested: true', gzipSync(buildTar({ 'm/1.zip': inner }))],
  ])('%s is found from the data, and reads the right rows', async (name, format, content) => {
    const made = join(folder, `formats-${name}`)
    const { task, inferred } = await initProject({ data: file(name, content), directory: made, version: '0.1.0' })
    expect(inferred).toMatchObject({ rows: rows.length, rowsRejected: 0 })
    const pipeline = join(made, `pipelines/${task}.ts`)
    expect(readFileSync(pipeline, 'utf8')).toContain(format)
    const output = join(made, 'out')
    expect(await run(pipeline, { input: folder, output, workers: 1 })).toMatchObject({ status: 'complete' })
    const query = 'select id, name, day from t order by id'
    const found = await sqlRows(query, { datasets: { t: join(output, task) } })
    expect(found.rows).toEqual(rows.map(row => Object.values(row).map(String)))
  })
})
