/** Broadcast tables from other tasks, archives and several files. */
import { describe, expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { project } from './project.ts'

/** Stops by city, in partitions; lines of a feed; names in several files: joined to the rides of a day. */
const rides = (name = 'stop_name') => `
import { column, csv, files, param, parquet, pipeline, table, task } from 'fanmill'
const stops = task({
  name: 'stops',
  source: files({ paths: 'stops/*.csv', format: csv() }),
  columns: { stop_id: column.int32(), stop_name: column.string(), city: column.string() },
  output: parquet({ path: '{task}', partitionBy: ['city'] }),
}).sql\`select stop_id, ${name} as stop_name, city from input\`
const rides = task({
  name: 'rides',
  params: { day: param.date() },
  source: files({ paths: 'rides/{day}.csv', format: csv() }),
  columns: { stop_id: column.int32(), line: column.string() },
  tables: {
    stops: table(stops),
    lines: table('feeds/{day}.zip', { member: 'lines.txt' }),
    fares: table('fares/*.csv', { columns: { line: column.string(), fare: column.decimal(5, 2) } }),
  },
  output: parquet({ path: '{task}/{day}' }),
}).sql\`select stop_name, city, lines.title, fare from input join stops using (stop_id) join lines on lines.line = input.line join fares on fares.line = input.line\`
export default pipeline({ name: 'rides', tasks: [stops, rides] })
`
const inputs = {
  'stops/1.csv': 'stop_id,stop_name,city\n1,Opera,Paris\n2,Forum,Rome\n',
  'rides/2024-01-05.csv': 'stop_id,line\n1,M1\n2,B\n',
  'feeds/2024-01-05.zip': buildZip({ 'lines.txt': 'line,title\nM1,Metro 1\nB,Bus\n', 'other.txt': 'x' }),
  'fares/a.csv': 'line,fare\nM1,2.15\n',
  'fares/b.csv': 'line,fare\nB,1.50\n',
}
const options = { task: 'rides', params: { day: '2024-01-05' } }

describe('broadcast tables', () => {
  it('are rows of another task, members of an archive, and files of a glob; a change of any runs the task again', async () => {
    const some = project(rides(), inputs)
    const first = await some.run(options)
    expect(first.tasks.map(({ node, status }) => `${node} ${status}`)).toEqual([
      'stops complete',
      'rides(day=2024-01-05) complete',
    ])
    const rows = [
      { stop_name: 'Opera', city: 'Paris', title: 'Metro 1', fare: '2.15' },
      { stop_name: 'Forum', city: 'Rome', title: 'Bus', fare: '1.50' },
    ]
    const written = await some.rows('rides/2024-01-05')
    expect(written.map(row => ({ ...row, fare: String(row.fare) }))).toEqual(expect.arrayContaining(rows))
    expect(await some.run(options)).toMatchObject({ status: 'skipped' })

    some.write({ 'feeds/2024-01-05.zip': buildZip({ 'lines.txt': 'line,title\nM1,M 1\nB,Bus\n' }) })
    const other = await some.run(options)
    expect(other.tasks.map(({ status, reasons }) => reasons?.[0]?.text ?? status)).toEqual([
      'skipped',
      'code changed: contents of tables',
    ])

    some.write({ 'pipeline.ts': rides('upper(stop_name)') })
    const edited = await some.run(options)
    expect(edited.tasks[1]?.reasons?.map(({ text }) => text)).toContain('upstream changed: stops')
    expect((await some.rows('rides/2024-01-05')).map(({ stop_name }) => stop_name).sort()).toEqual(['FORUM', 'OPERA'])
  })

  it('fail with the table and the archive when the member is not there', async () => {
    const some = project(rides(), { ...inputs, 'feeds/2024-01-05.zip': buildZip({ 'line.txt': 'line,title\n' }) })
    await expect(some.run({ ...options })).resolves.toMatchObject({
      status: 'failed',
      error: { code: 'NO_INPUT', message: expect.stringContaining('lines.txt') },
    })
  })
})
