/** Values of time are the same on every machine, whatever its time zone. */
import { expect, it } from 'vitest'
import { fanmill, folderOf } from './fanmill.ts'

const pipeline = `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
const visits = task({
  name: 'visits',
  source: files({ paths: 'a.csv', format: csv() }),
  columns: { seen: column.timestamptz(), day: column.date() },
  output: parquet({ path: '{task}', partitionBy: ['night'] }),
})
  .sql\`select *, strftime(seen, '%Y-%m-%d %H') as hour, seen::date as night, day::timestamptz as began from input\`
export default pipeline({ name: 'visits', tasks: [visits] })
`

it.each(['America/Los_Angeles', 'Pacific/Kiritimati'])(
  'reads, casts and formats times in UTC where the machine has %s',
  async TZ => {
    const cwd = folderOf({ 'pipeline.ts': pipeline, 'a.csv': 'seen,day\n2024-05-03T00:30:00Z,2024-05-03\n' })
    const env = { TZ }
    expect(await fanmill(['run', 'pipeline.ts', '--input', cwd], { cwd, env })).toMatchObject({ code: 0 })
    const statement = `select hour, epoch(began) as began, strftime(seen, '%H') as h, night::text as night from visits`
    const { stdout } = await fanmill(['sql', statement, '--format', 'json'], { cwd, env })
    expect(JSON.parse(stdout)).toEqual({ hour: '2024-05-03 00', began: 1714694400, h: '00', night: '2024-05-03' })
    const head = await fanmill(['head', 'out/visits', '--json', '--where', "strftime(seen, '%d') = '03'"], { cwd, env })
    expect(head.stdout).toContain('2024-05-03 00')
  },
)
