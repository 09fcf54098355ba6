import { describe, expect, it } from 'vitest'
import type { Step } from '../../../lib/define/definition.ts'
import { column, sql } from '../../../lib/define/index.ts'
import { type ConversionResult, convertTask, mapBatches, mapRows, taskOf } from '../converting.ts'

const columns = { a: column.int32(), b: column.string() }
const inputs = { 'x.csv': 'a,b\n1,x\n2,y\n3,\n' }

const convertMap = (transform: Step): Promise<ConversionResult> =>
  convertTask(taskOf({ columns, transform }), { inputs })

// biome-ignore lint/suspicious/noExplicitAny: the rows of a step in a list have no type
type Row = any

describe('bytes that a function returns', () => {
  it('are those of each row, also when the function uses their memory again', async () => {
    const memory = new Uint8Array(2)
    const map = mapRows(
      ({ a }: { a: number }) => {
        memory[1] = a
        return { bytes: memory.subarray(1), list: [memory], day: new Date(Date.UTC(2001, 0, a)) }
      },
      { adds: { bytes: column.binary(), list: column.list(column.binary()), day: column.date() } },
    )
    const hex = sql`select hex(bytes) as b, hex(list[1]) as l, day from input`
    const { rows } = await convertTask(taskOf({ columns, transform: [map, hex] }), { inputs })
    expect(rows).toEqual([1, 2, 3].map(a => ({ b: `0${a}`, l: `000${a}`, day: `2001-01-0${a}` })))
  })
})

describe('mapBatches', () => {
  it('passes columns to the function and writes the columns that it returns', async () => {
    const map = mapBatches(
      ({ rowCount, columns: given }: Row) => ({ n: given.a.map((value: number) => value * rowCount) }) as never,
      { adds: { n: column.int32() } },
    )
    expect((await convertMap(map as Step)).rows.map(row => row.n)).toEqual(['3', '6', '9'])
  })

  it('has the millisecond of a timestamp however far away it is', async () => {
    const map = mapBatches(
      ({ columns: given }: Row) => ({ text: given.when.map((when: Date) => when.toISOString()) }) as never,
      { adds: { text: column.string() } },
    )
    const times = ['9999-12-31 23:59:59.999999', '1960-01-01 00:00:00.000999', '0001-01-01 00:00:00.000001']
    const read = ['9999-12-31T23:59:59.999Z', '1960-01-01T00:00:00.000Z', '0001-01-01T00:00:00.000Z']
    const { rows } = await convertTask(taskOf({ columns: { when: column.timestamp() }, transform: map as Step }), {
      inputs: { 'x.csv': `when\n${times.join('\n')}\n` },
    })
    expect(rows.map(row => row.text)).toEqual(read)
  })

  it('fails where a column is changed in place, because the change could not be found', async () => {
    const map = mapBatches(
      ({ columns: given }: Row) => {
        given.a[0] = 7
        return { n: given.a.map(() => 1) } as never
      },
      { adds: { n: column.int32() } },
    )
    await expect(convertMap(map as Step)).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: expect.stringContaining("Cannot assign to read only property '0'"),
    })
  })

  it('takes columns back that it was given', async () => {
    const map = mapBatches(
      ({ columns: given }: Row) => ({ ...given, b: [...given.b], n: given.a.map(() => 1) }) as never,
      { adds: { n: column.int32() } },
    )
    expect((await convertMap(map as Step)).rows[0]).toEqual({ a: '1', b: 'x', n: '1' })
  })

  it.each([
    ['too few values', () => ({ n: [1] }), ' values in n, got 1'],
    ['a column missing', () => ({}), ' values in n, got undefined'],
    ['no columns', () => null, 'mapBatches: expected an object of columns, got null'],
    ['a Map', () => new Map(), 'mapBatches: expected an object of columns, got a value of type Map'],
    ['a column that nobody declared', () => ({ n: [1, 2, 3], zzz: [] }), 'mapBatches returned zzz, which is neither'],
    [
      'a changed column that is not in adds',
      () => ({ n: [1, 2, 3], b: ['x', 'z', null] }),
      'mapBatches changed the column b',
    ],
  ])('refuses %s', async (_name, map, message) => {
    await expect(convertMap(mapBatches(map as never, { adds: { n: column.int32() } }) as Step)).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: expect.stringContaining(message),
    })
  })
})
