/** Delta tables that Fanmill and delta-rs write together, on disk. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDataset } from '../../lib/datasets/dataset.ts'
import { type Project, project } from './project.ts'
import {
  compactWithPython,
  leaveOutWithoutPython,
  python,
  readWithPython,
  restoreWithPython,
  writeWithPython,
} from './python-tables.ts'

leaveOutWithoutPython('test/local/delta-tables.test.ts')

const pipeline = (output: string) => `
import { column, csv, delta, deltaTable, files, parquet, pipeline, task } from 'fanmill'
export const sales = task({
  name: 'sales',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { id: column.int64(), customer: column.string(), amount: column.decimal(9, 2) },
  output: delta({ path: 'sales', ${output} }),
})
export const copy = task({
  name: 'copy',
  source: deltaTable({ path: 'theirs' }),
  output: parquet({ path: 'copy' }),
})
export default pipeline({ name: 'sales', tasks: [sales, copy] })
`

/** One file of sales; amounts are the ids and a half. */
const salesOf = (rows: readonly (readonly [number, string])[]): string =>
  ['id,customer,amount', ...rows.map(([id, customer]) => `${id},${customer},${id}.50`)].join('\n')

const append = `partitionBy: ['customer'], mode: 'append'`
const run = async (made: Project, task = 'sales'): Promise<void> => {
  const { status } = await made.run({ task })
  expect(status).toBe('complete')
}
const idsIn = async (made: Project, version?: number): Promise<number[]> => {
  const { rows } = await readWithPython(join(made.out, 'sales'), { version: version ?? null })
  return rows.map(({ id }) => Number(id)).sort((a, b) => a - b)
}

describe.skipIf(python === undefined)('a Delta table of Fanmill, read by delta-rs and polars', () => {
  it('has the same rows, types and partitions, also of values with special characters and none', async () => {
    const made = project(pipeline(append), {
      'in/1.csv': salesOf([
        [1, 'a b/ü%=#?'],
        [2, ''],
        [3, "it's"],
        [4, '100%25'],
      ]),
    })
    await run(made)
    const { types, rows, version } = await readWithPython(join(made.out, 'sales'))
    expect(version).toBe(0)
    expect(types).toEqual({ id: 'Int64', customer: 'String', amount: 'Decimal(precision=9, scale=2)' })
    const byId = new Map(rows.map(row => [row.id, [row.customer, row.amount]]))
    expect(byId).toEqual(
      new Map([
        [1, ['a b/ü%=#?', '1.50']],
        [2, [null, '2.50']],
        [3, ["it's", '3.50']],
        [4, ['100%25', '4.50']],
      ]),
    )
  })

  it('keeps each row once after delta-rs has compacted the table, and refuses a forced run', async () => {
    const made = project(pipeline(`mode: 'append'`), { 'in/1.csv': salesOf([[1, 'a']]) })
    await run(made)
    made.write({ 'in/2.csv': salesOf([[2, 'b']]) })
    await run(made)
    await compactWithPython(join(made.out, 'sales'))
    made.write({ 'in/3.csv': salesOf([[3, 'a']]) })
    await run(made)
    expect(await idsIn(made)).toEqual([1, 2, 3])
    const refused = { code: 'INPUT_ALREADY_APPENDED', message: expect.stringContaining('compacted') }
    await expect(made.run({ task: 'sales', force: true })).rejects.toMatchObject(refused)
    expect(await idsIn(made)).toEqual([1, 2, 3])
  })

  it('appends rows again that delta-rs has removed by restoring an older version, when it is forced', async () => {
    const made = project(pipeline(`mode: 'append'`), { 'in/1.csv': salesOf([[1, 'a']]) })
    await run(made)
    made.write({ 'in/2.csv': salesOf([[2, 'b']]) })
    await run(made)
    await restoreWithPython(join(made.out, 'sales'), 0)
    await made.run({ task: 'sales' })
    expect(await idsIn(made)).toEqual([1])
    await made.run({ task: 'sales', force: true })
    expect(await idsIn(made)).toEqual([1, 2])
  })

  it('has every type, with timestamps in and without a zone', async () => {
    const made = project(
      `
import { column, csv, delta, files, pipeline, sql, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: {
    i8: column.int8(), i16: column.int16(), i32: column.int32(), u8: column.uint8(), u16: column.uint16(),
    u32: column.uint32(), f32: column.float32(), f64: column.float64(), yes: column.boolean(), day: column.date(),
    at: column.timestamp(), utc: column.timestamptz(), big: column.decimal(38, 3), data: column.json(),
  },
  output: delta({ path: 't', mode: 'overwrite' }),
}).sql\`select *, [i8, i16] as list, {'a': i8, 'b': [u32]} as pair, map {'k': u8} as map, encode('x') as bytes from input\`
export default pipeline({ name: 't', tasks: [t] })
`,
      {
        'in/1.csv': `i8,i16,i32,u8,u16,u32,f32,f64,yes,day,at,utc,big,data
-128,-32768,-2147483648,255,65535,4294967295,1.5,-2.25,true,2024-02-29,2024-02-29T01:02:03.456789,2024-02-29T01:02:03Z,12345678901234567890123456789012345.678,"{""a"":1}"
,,,,,,,,,,,,,
`,
      },
    )
    await run(made, 't')
    const { types, rows } = await readWithPython(join(made.out, 't'))
    expect(types).toMatchObject({
      ...{
        i8: 'Int8',
        u8: 'Int16',
        u16: 'Int32',
        u32: 'Int64',
        f32: 'Float32',
        yes: 'Boolean',
        day: 'Date',
        data: 'String',
      },
      at: "Datetime(time_unit='us', time_zone=None)",
      utc: "Datetime(time_unit='us', time_zone='UTC')",
    })
    expect(rows.find(row => row.i8 !== null)).toMatchObject({
      ...{ i8: -128, u8: 255, u16: 65535, u32: 4294967295, data: '{"a":1}', day: '2024-02-29' },
      ...{ at: '2024-02-29 01:02:03.456789', utc: '2024-02-29 01:02:03+00:00' },
      ...{ big: '12345678901234567890123456789012345.678', list: [-128, -32768], pair: { a: -128, b: [4294967295] } },
    })
    expect(rows.find(row => row.i8 === null)).toMatchObject({ u32: null, at: null, big: null, data: null })
  })

  it('keeps old versions readable when rows or partitions are replaced', async () => {
    for (const [mode, after] of [
      ['overwrite', [3, 4]],
      ['replacePartitions', [2, 3, 4]],
    ] as const) {
      const made = project(pipeline(`partitionBy: ['customer'], mode: '${mode}'`), {
        'in/1.csv': salesOf([
          [1, 'anna'],
          [2, 'ben'],
        ]),
      })
      await run(made)
      made.write({
        'in/1.csv': salesOf([
          [3, 'anna'],
          [4, 'carl'],
        ]),
      })
      await run(made)
      expect([await idsIn(made, 0), await idsIn(made, 1), await idsIn(made)], mode).toEqual([[1, 2], after, after])
    }
  })

  it('is read from its checkpoint after ten versions and more', async () => {
    const made = project(pipeline(append), { 'in/0.csv': salesOf([[0, 'anna']]) })
    for (let version = 0; version <= 11; version++) {
      made.write({ [`in/${version}.csv`]: salesOf([[version, version % 2 ? 'anna' : 'ben']]) })
      await run(made)
    }
    expect(readdirSync(join(made.out, 'sales/_delta_log'))).toContain('00000000000000000010.checkpoint.parquet')
    expect(await idsIn(made)).toEqual(Array.from({ length: 12 }, (_, id) => id))
    // delta-rs removes nothing here; it reads the checkpoint because `_last_checkpoint` names it.
    expect(await idsIn(made, 4)).toEqual([0, 1, 2, 3, 4])
  })
})

describe.skipIf(python === undefined)('a Delta table that Fanmill and delta-rs write in turn', () => {
  it('has the rows of both, whoever began', async () => {
    const made = project(pipeline(append), { 'in/1.csv': salesOf([[1, 'anna']]) })
    const theirs = { mode: 'append', partition_by: ['customer'] }
    await writeWithPython(join(made.out, 'sales'), [{ id: 100, customer: 'x y/%', amount: 1 }], theirs)
    await run(made)
    await writeWithPython(join(made.out, 'sales'), [{ id: 101, customer: 'anna', amount: 1 }], theirs)
    made.write({ 'in/2.csv': salesOf([[2, 'ben']]) })
    await run(made)
    expect(await idsIn(made)).toEqual([1, 2, 100, 101])
    const dataset = await openDataset(join(made.out, 'sales'))
    const rows = await Array.fromAsync(dataset.rows({ columns: ['id', 'customer'] }))
    expect(rows.map(row => [Number(row.id), row.customer]).sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual([
      ...[
        [1, 'anna'],
        [2, 'ben'],
        [100, 'x y/%'],
        [101, 'anna'],
      ],
    ])
    const { tasks } = await made.run({ task: 'sales' })
    expect([tasks[0]!.status, (await idsIn(made)).length]).toEqual(['skipped', 4])
  })

  it('is read by deltaTable with the partitions and checkpoints of delta-rs, and again when there is a newer version', async () => {
    const made = project(pipeline(append), {})
    const theirs = { mode: 'append', partition_by: ['customer'], configuration: { 'delta.checkpointInterval': '3' } }
    for (let id = 0; id < 5; id++)
      await writeWithPython(join(made.folder, 'theirs'), [{ id, customer: id % 2 ? 'a/b' : 'c d', amount: id }], theirs)
    await run(made, 'copy')
    const copied = async () =>
      (await Array.fromAsync((await openDataset(join(made.out, 'copy'))).rows()))
        .map(({ id, customer }) => [Number(id), customer])
        .sort((a, b) => Number(a[0]) - Number(b[0]))
    expect(await copied()).toEqual([
      [0, 'c d'],
      [1, 'a/b'],
      [2, 'c d'],
      [3, 'a/b'],
      [4, 'c d'],
    ])
    expect((await made.run({ task: 'copy' })).tasks[0]!.status).toBe('skipped')
    await writeWithPython(join(made.folder, 'theirs'), [{ id: 5, customer: 'a/b', amount: 5 }], theirs)
    await run(made, 'copy')
    expect(await copied()).toHaveLength(6)
  })

  it('is written again after another program has replaced it', async () => {
    const made = project(pipeline(`mode: 'overwrite'`), { 'in/1.csv': salesOf([[1, 'anna']]) })
    await run(made)
    expect((await made.run({ task: 'sales' })).tasks[0]!.status).toBe('skipped')
    await writeWithPython(join(made.out, 'sales'), [{ id: 9, customer: 'ben', amount: 9 }], { mode: 'overwrite' })
    await run(made)
    expect(await idsIn(made)).toEqual([1])
  })
})

/**
 * The snippet that people write is a loop over customers in a pool of threads, in which each saves its rows to one Delta table with
 * mode overwrite, or waits for a variable that all of them share: rows of all customers but the last are lost.
 */
describe.skipIf(python === undefined)('a parallel loop over customers that saves each to one Delta table', () => {
  it('has the rows of all customers, also when each customer is a run of its own', async () => {
    const customers = Array.from({ length: 20 }, (_, index) => `customer-${index}`)
    const made = project(
      `
import { column, delta, pipeline, rowsFrom, task } from 'fanmill'
let customer
export const orders = task({
  name: 'orders',
  source: rowsFrom({
    partitions: ${JSON.stringify(customers)},
    rows: async function* (name) {
      customer = name
      for (let id = 0; id < 50; id++) {
        await new Promise(resolve => setImmediate(resolve))
        yield { customer: name, id }
      }
    },
  }),
  columns: { customer: column.string(), id: column.int32() },
  output: delta({ path: 'orders', partitionBy: ['customer'], mode: 'overwrite' }),
})
export default pipeline({ name: 'orders', tasks: [orders] })
`,
    )
    await run(made, 'orders')
    const { rows, version } = await readWithPython(join(made.out, 'orders'))
    expect([rows.length, version]).toEqual([1000, 0])
    expect(Map.groupBy(rows, row => row.customer).size).toBe(20)
    expect(new Set(rows.map(row => `${row.customer}/${row.id}`)).size).toBe(1000)
  })
})
