import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { column, parquet, sql } from '../../lib/define/index.ts'
import type { SharePart } from '../../lib/model/share.ts'
import { openThread } from '../../lib/threads/worker/worker-thread.ts'
import { duckdb } from '../local/compare.ts'
import { convertTask, parquetOf, taskOf } from './converting.ts'

const columns = { days: column.int32() }
const inputs = { 'x.csv': 'days\n1\n-2\n' }

describe('intervals', () => {
  it('are written when they are not negative, and as text in any case', async () => {
    const transform = sql`select interval (abs(days)) day as d, cast(interval (days) day as varchar) as t from input`
    const { rows } = await convertTask(taskOf({ columns, transform }), { inputs })
    expect(rows).toEqual([
      { d: '1 day', t: '1 day' },
      { d: '2 days', t: '-2 days' },
    ])
  })

  it.each([
    ['a column', 'd', sql`select *, interval (days) day as d from input`],
    ['a list', 'd', sql`select *, [interval (days) day] as d from input`],
    ['a structure', 'd', sql`select *, {'a': interval (days) day} as d from input`],
    ['a column of microseconds', 'd', sql`select *, interval (abs(days) - 1) microsecond as d from input`],
    ['a list of many hours', 'd', sql`select *, [interval (if(days < 0, 1193, 1192)) hour] as d from input`],
    [
      'a map of microseconds',
      'd',
      sql`select *, map {'a': {'b': interval (abs(days) - 1) microsecond}} as d from input`,
    ],
  ])('fail with the line and the column when Parquet cannot hold one in %s', async (_where, name, transform) => {
    await expect(convertTask(taskOf({ columns, transform }), { inputs })).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: `x.csv, line 3: column ${name}: expected an interval of whole milliseconds that is not negative, of at most 1,192 hours beside days and months, as Parquet has no others, got another; cast it to text, or to a number with epoch(), in the transform`,
    })
  })

  it('are checked in maps also where columns have names such as i0, _i and item', async () => {
    const transform = sql`select {'value': interval 1 day} as i0, map {'a': interval (abs(days)) millisecond} as _i, [interval 1 second] as item from input`
    const { rows } = await convertTask(taskOf({ columns, transform }), { inputs })
    expect(rows).toHaveLength(2)
    const unfit = sql`select {'value': interval 1 day} as i0, map {'a': interval (abs(days)) microsecond} as m from input`
    await expect(convertTask(taskOf({ columns, transform: unfit }), { inputs })).rejects.toThrow('column i0 or m')
  })

  it('stay as they are beside others that are equal, as a month and 30 days', async () => {
    const transform = sql`select case when days > 0 then interval 1 month else interval 30 day end as d, [case when days > 0 then interval 24 hour else interval 1 day end] as l from input`
    const { rows } = await convertTask(taskOf({ columns, transform }), { inputs })
    expect(rows).toEqual([
      { d: '1 month', l: "['24:00:00']" },
      { d: '30 days', l: '[1 day]' },
    ])
  })

  it('stay as they are when parts are joined by a thread that converted none of them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fanmill-intervals-'))
    const files = await Promise.all(
      ['1 month', '30 days'].map(async (text, at) => {
        const file = join(folder, `${at}.parquet`)
        writeFileSync(file, await parquetOf(`SELECT INTERVAL '${text}' AS d`))
        return file
      }),
    )
    const setup = { params: {}, tables: [], stageFolder: folder, partFolder: folder }
    const input = { kind: 'disk', folder } as const
    const thread = await openThread(
      taskOf({ columns }),
      { ...setup, input, engineBytes: 2 ** 28, stageBytesMax: 1e9 },
      () => {},
    )
    const parts = (await thread.run({
      kind: 'merge',
      files,
      target: join(folder, 'merged'),
    } as never)) as unknown as SharePart[]
    const rows = await duckdb(folder, `select cast(d as varchar) as d from '${parts[0]?.file}'`)
    thread.close()
    rmSync(folder, { recursive: true })
    expect(rows).toEqual([{ d: '1 month' }, { d: '30 days' }])
  })

  it('may be partitions, which have their text', async () => {
    const transform = sql`select days, interval (days) day as d from input`
    const output = parquet({ path: 'out', partitionBy: ['d'] })
    const { parts } = await convertTask(taskOf({ columns, transform, output }), { inputs })
    expect(parts.map(({ partition }) => partition.d).sort()).toEqual(['-2 days', '1 day'])
  })
})
