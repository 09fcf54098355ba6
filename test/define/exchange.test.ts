/** Steps that bring rows of one key together, and the stages that a task is compiled to. */
import { describe, expect, it } from 'vitest'
import { stagesOf } from '../../lib/define/tasks/task-stages.ts'
import {
  aggregate,
  column,
  count,
  csv,
  files,
  joinOf,
  mean,
  type Parquet,
  parquet,
  partitionsOf,
  pipeline,
  sql,
  sum,
  task,
} from '../../lib/index.ts'

const sales = <Uses extends string = never>(output: Parquet<Uses> = parquet({ path: 'out' }) as Parquet<Uses>) =>
  task({
    name: 'sales',
    source: files({ paths: '*.csv', format: csv() }),
    columns: { shop: column.string(), day: column.date(), total: column.int32() },
    where: sql`total > 0`,
    output,
  })

const measures = { n: count(), total: sum('total') }

describe('stages', () => {
  it('leaves a task without an exchange as its only stage', () => {
    const alone = sales().sql`select * from input`
    expect(stagesOf(alone)).toEqual([alone])
  })

  it('compiles each exchange to a stage before it and a stage after it', () => {
    const steps = sales()
      .mapRows(row => row)
      .reduce({ by: ['shop', 'day'], measures })
      .reduce({ by: ['shop'], measures: { days: count(), mean: mean('total') } }).sql`select * from input`
    const stages = stagesOf(steps)
    expect(stages.map(({ source, output }) => [source.kind, output.kind])).toEqual([
      ['files', 'exchange'],
      ['exchange', 'exchange'],
      ['exchange', 'parquet'],
    ])
    expect(
      stages.map(({ transform }) =>
        transform.map(step => ('phase' in step ? step.phase : 'kind' in step && step.kind)),
      ),
    ).toEqual([
      ['mapRows', 'partial'],
      ['final', 'partial'],
      ['final', 'sql'],
    ])
    expect(stages.map(({ where, columns }) => [where !== undefined, columns !== undefined])).toEqual([
      [true, true],
      [false, false],
      [false, false],
    ])
    expect(stagesOf(steps)).toBe(stages)
  })
})

describe('exchanges', () => {
  it.each([
    ['no key', () => sales().exchange({ by: [] }), 'exchange: by: expected at least one column'],
    ['a column twice', () => sales().distinct({ by: ['shop', 'shop'] }), 'distinct: by: expected each column once'],
    ['no measures', () => sales().reduce({ by: ['shop'], measures: {} }), 'reduce: measures: expected at least one'],
    [
      'a measure with the name of a column of the key',
      () => sales().reduce({ by: ['shop'], measures: { Shop: count() } }),
      'reduce: measures: expected names that by does not use, got Shop in both',
    ],
    [
      'measures whose names differ in case alone',
      () => sales().reduce({ by: ['shop'], measures: { n: count(), N: count() } }),
      'reduce: measures: expected names that differ in more than case',
    ],
    [
      'too many buckets',
      () => sales().exchange({ by: ['shop'], buckets: 100_000 }),
      'exchange: buckets: expected a whole number from 1 to 65536, got 100000',
    ],
    [
      'an output to which rows are appended',
      () => sales(parquet({ path: 'out', mode: 'append' })).reduce({ by: ['shop'], measures }),
      "task sales: reduce: expected an output of mode replace, as rows that are appended later would be of the same keys, got append; use mode: 'replace'",
    ],
    [
      'replaced partitions that are not by the key',
      () =>
        sales(parquet({ path: 'out', mode: 'replacePartitions', partitionBy: ['day'] })).distinct({
          by: ['shop'],
          latest: 'day',
        }),
      'task sales: output.partitionBy: expected columns of the key shop, as mode is replacePartitions and distinct makes rows by key, got day',
    ],
    [
      'a statement over the rows of a key that are not together',
      () => sales().sql({ scope: 'bucket' })`select shop, count(*) as n from input group by shop`,
      "task sales: transform step 1: expected an exchange before it, as scope is 'bucket', got none",
    ],
    [
      'a statement over the rows of any slice with an output to which rows are appended',
      () =>
        sales(parquet({ path: 'out', mode: 'append' })).sql({
          scope: 'any-slice',
        })`select shop, count(*) as n from input group by shop`,
      "task sales: transform step 1: expected an output of mode replace, as scope is 'any-slice'",
    ],
    [
      'an own aggregate that joins other states than it makes',
      () => aggregate({ columns: ['total'], partial: { s: 'sum(total)' }, combine: { t: 'sum({s})' }, finish: '{s}' }),
      'aggregate: combine: expected the states s of partial, got none for s',
    ],
    [
      'an own aggregate that reads a state that it does not make',
      () => aggregate({ columns: ['total'], partial: { s: 'sum(total)' }, combine: { s: 'sum({s})' }, finish: '{t}' }),
      'aggregate: finish: expected a state of partial (s), got {t}',
    ],
    [
      'a sum of a type that has no numbers',
      () => sum('total', { as: column.string() }),
      'sum: as: expected a column of numbers such as column.decimal(18, 2)',
    ],
    [
      'rejects after an exchange',
      () =>
        sales()
          .exchange({ by: ['shop'] })
          .mapRows(row => row, { onError: 'reject' }),
      "task sales: transform step 2: onError: expected 'fail', as a row after an exchange has no record",
    ],
  ])('refuse %s', (_, build, message) => {
    expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
    expect(build).toThrow(message)
  })

  it('know the columns of the rows after them', () => {
    const by = sales(parquet({ path: 'out', partitionBy: ['day'] })).reduce({ by: ['shop'], measures })
    // @ts-expect-error: day is no column of the reduced rows
    expect(() => pipeline({ name: 'p', tasks: [by] })).toThrow(
      'task sales: output.partitionBy: expected columns of shop, n, total, got day',
    )
  })
})

describe('joinOf', () => {
  const shops = task({
    name: 'shops',
    source: files({ paths: 'shops.csv', format: csv() }),
    columns: { id: column.string(), town: column.string() },
    output: parquet({ path: 'shops' }),
  })
  const joined = (options: object = {}) =>
    task({
      name: 'joined',
      source: joinOf({ left: sales(), right: shops }, { on: { shop: 'id' }, how: 'left' }),
      output: parquet({ path: 'joined' }),
      ...options,
    } as never)

  it('is compiled to a stage for each side, and one that joins them', () => {
    const stages = stagesOf(joined({ where: sql`total > 0` }).reduce({ by: ['town'], measures }))
    expect(stages.map(({ source, output }) => [source.kind, output.kind])).toEqual([
      ['partitionsOf', 'exchange'],
      ['partitionsOf', 'exchange'],
      ['exchange', 'exchange'],
      ['exchange', 'parquet'],
    ])
    expect(stages.map(({ where }) => where !== undefined)).toEqual([false, false, true, false])
    expect(stages.map(({ output }) => output.kind === 'exchange' && [output.by, output.nullKeys])).toEqual([
      [['shop'], 'spread'],
      [['id'], 'drop'],
      [['town'], undefined],
      false,
    ])
  })

  const join = (options: object, left: object = sales()) => joinOf({ left, right: shops } as never, options as never)
  it.each([
    ['no key', () => join({ on: [] }), 'joinOf: on: expected at least one column'],
    [
      'a text',
      () => join({ on: 'shop' }),
      "expected a list of columns that both sides have such as ['shop'], or columns of the left side with those of the right such as { shop: 'id' }, got \"shop\"",
    ],
    ['another kind', () => join({ on: ['id'], how: 'outer' }), 'joinOf: how: expected one of inner, left, full, semi'],
    ['a key twice', () => join({ on: ['id', 'ID'] }), 'joinOf: on: expected each column once, got ID twice'],
    [
      'a side without the key',
      () => join({ on: { shop: 'id' } }, partitionsOf(sales(), { columns: ['day'] })),
      'joinOf: left: columns: expected the columns of the key too, got no shop',
    ],
    [
      'columns of the task',
      () => joined({ columns: { id: column.string() } }),
      'task joined: columns: expected none, as the rows of joinOf have the columns of its sides',
    ],
    [
      'an output to which rows are appended',
      () => joined({ output: parquet({ path: 'out', mode: 'append' }) }),
      'task joined: joinOf: expected an output of mode replace',
    ],
  ])('refuses %s', (_, build, message) => {
    expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
    expect(build).toThrow(message)
  })
})

describe('bucketBy', () => {
  const kept = (name: string, columns: readonly ('id' | 'shop')[], buckets = 4) =>
    task({
      name,
      source: files({ paths: `${name}.csv`, format: csv() }),
      columns: { id: column.int32(), shop: column.string() },
      output: parquet({ path: name, bucketBy: { columns, buckets } }),
    })
  const stagesBy = (left: object, right: object, options: object = {}) =>
    stagesOf(
      task({
        name: 'joined',
        source: joinOf({ left, right } as never, { on: ['id', 'shop'], prefix: 'r_', ...options } as never),
        output: parquet({ path: 'joined' }),
      }) as never,
    ).map(({ source, output }) => [source.kind, output.kind])

  it('adds a stage that writes each bucket by itself', () => {
    const stages = stagesOf(kept('a', ['id']).distinct({ by: ['id', 'shop'] }))
    expect(stages.map(({ output }) => output.kind)).toEqual(['exchange', 'exchange', 'parquet'])
    expect(stages[1]?.output).toMatchObject({ by: ['id'], buckets: 4, isKept: true })
  })

  it('lets a join of datasets that are kept alike read them in its only stage', () => {
    const right = kept('b', ['id', 'shop'])
    expect(stagesBy(kept('a', ['id', 'shop']), right)).toEqual([['exchange', 'parquet']])
    const some = partitionsOf(kept('a', ['id', 'shop']), { columns: ['id', 'shop'] })
    expect(stagesBy(some, right)).toEqual([['exchange', 'parquet']])
  })

  it('exchanges the rows of datasets that are kept alike where buckets asks for it', () => {
    expect(stagesBy(kept('a', ['id', 'shop']), kept('b', ['id', 'shop']), { buckets: 8 }).length).toBe(3)
  })

  it.each([
    ['other columns', () => kept('a', ['id'])],
    ['the columns in another order', () => kept('a', ['shop', 'id'])],
    ['another number of buckets', () => kept('a', ['id', 'shop'], 8)],
    ['a condition', () => partitionsOf(kept('a', ['id', 'shop']), { where: sql`id > 1` })],
    ['only a path', () => ({ path: 'a' })],
  ])('exchanges the rows of both sides where one has %s', (_, left) => {
    expect(stagesBy(left(), kept('b', ['id', 'shop'])).length).toBe(3)
  })

  it.each([
    [{ partitionBy: ['shop'] }, 'parquet: bucketBy: expected partitionBy or bucketBy, got both'],
    [
      { mode: 'append' },
      'parquet: bucketBy: expected mode replace or fail, as buckets are written as a whole, got append',
    ],
    [{ bucketBy: { columns: [], buckets: 4 } }, 'parquet: bucketBy.columns: expected at least one column'],
    [
      { bucketBy: { columns: ['id'], buckets: 0 } },
      'parquet: bucketBy.buckets: expected a whole number from 1 up, got 0',
    ],
    [{ bucketBy: { columns: ['id'] } }, 'parquet: bucketBy.buckets: expected'],
  ])('is refused with %j', (options, message) => {
    const build = () => parquet({ path: 'out', bucketBy: { columns: ['id'], buckets: 4 }, ...options } as never)
    expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
    expect(build).toThrow(message)
  })

  it('names a column that the rows do not have, when the compiler was not asked', () => {
    const wrong = task({
      name: 'wrong',
      source: files({ paths: '*.csv', format: csv() }),
      columns: { id: column.int32() },
      output: parquet({ path: 'wrong', bucketBy: { columns: ['ID', 'shop'], buckets: 4 } }),
    })
    // @ts-expect-error: shop is no column of the rows
    expect(() => pipeline({ name: 'p', tasks: [wrong] })).toThrow(
      'task wrong: output.bucketBy: expected columns of id, got shop',
    )
  })
})
