import { expect, it } from 'vitest'
import {
  csv,
  files,
  items,
  memberFiles,
  parquet,
  parquetFiles,
  rowsFrom,
  table,
  zipLimits,
  zipMembers,
} from '../../lib/define/index.ts'

it('reads every member of archives by default, within limits', () => {
  const source = zipMembers({ paths: 'a/{month}/*.zip', format: csv() })
  expect(source).toEqual({
    kind: 'zipMembers',
    paths: 'a/{month}/*.zip',
    members: '**',
    format: csv(),
    onBadMember: 'fail',
    limits: zipLimits,
  })
})

it('changes only the limits that are given', () => {
  const source = zipMembers({ paths: 'a.zip', limits: { ratioMax: 10 } })
  expect(source.limits).toEqual({ ...zipLimits, ratioMax: 10 })
})

it('changes options of shared sources and outputs into frozen copies', () => {
  const shared = zipMembers({ paths: 'a.zip', format: csv() })
  const refined = shared.with({ members: '**/*.csv' })
  expect(refined).toMatchObject({ paths: 'a.zip', members: '**/*.csv', format: { kind: 'csv' } })
  expect(refined.with({ onBadMember: 'skip' }).members).toBe('**/*.csv')
  expect(Object.isFrozen(refined) && Object.isFrozen(refined.limits)).toBe(true)
  const lake = parquet({ path: '{task}' })
  expect(lake.with({ partitionBy: ['state'] })).toEqual({ ...lake, partitionBy: ['state'] })
  expect(Object.isFrozen(lake.partitionBy)).toBe(true)
  expect(files({ paths: 'a', format: csv() }).with({ format: parquetFiles() }).format).toEqual(parquetFiles())
})

it('copies lists, so that a later change of the list has no effect', () => {
  const partitionBy = ['state']
  const output = parquet({ path: '{task}', partitionBy })
  partitionBy.push('month')
  expect(output.partitionBy).toEqual(['state'])
})

it('writes zstd parts of 128 MiB that replace the dataset by default', () => {
  expect(parquet({ path: '{task}' })).toEqual({
    kind: 'parquet',
    path: '{task}',
    partitionBy: [],
    sortBy: [],
    compression: 'zstd',
    partBytes: 134_217_728,
    rowGroupRows: 122_880,
    bloomFilters: true,
    mode: 'replace',
    salted: false,
    partitionsMax: 1000,
  })
  expect(memberFiles({ path: 'out' })).toEqual({ kind: 'memberFiles', path: 'out', mode: 'replace' })
})

it('adds the salt of a salted output to its path', () => {
  expect(parquet({ path: '{task}', salted: true }).path).toBe('{task}/{salt}')
  expect(parquet({ path: '{salt}/{task}' })).toMatchObject({ path: '{salt}/{task}', salted: false })
  expect(parquet({ path: '{salt}/{task}', salted: true }).path).toBe('{salt}/{task}')
  expect(parquet({ path: '{task}', salted: true }).with({ salted: false }).path).toBe('{task}')
})

it.each<[string, () => unknown, string]>([
  [
    'archives of another type',
    () => zipMembers({ paths: 12 as never }),
    'zipMembers: paths: expected a string, got 12',
  ],
  ['no paths', () => zipMembers({ format: csv() } as never), 'zipMembers: paths: expected a string, got nothing'],
  ['no options', () => zipMembers(undefined as never), 'zipMembers: expected an object with paths, members'],
  [
    'an absolute path',
    () => files({ paths: '/a', format: csv() }),
    'files: paths: expected a path relative to its root',
  ],
  ['a path that climbs', () => table('a/../b', csv()), 'table: path: expected a path relative to its root'],
  [
    'a format that is none',
    () => files({ paths: 'a', format: 'csv' as never }),
    'files: format: expected csv(), jsonLines()',
  ],
  [
    'an unknown cap',
    () => zipMembers({ paths: 'a', limits: { ratio: 1 } as never }),
    'limits.ratio: unknown option, did you mean ratioMax',
  ],
  [
    'a cap of nothing',
    () => zipMembers({ paths: 'a', limits: { ratioMax: 0 } }),
    'limits.ratioMax: expected a whole number from 1 up',
  ],
  ['globs in an output', () => parquet({ path: 'a/*' }), 'parquet: path: expected a path without glob characters'],
  ['an output among the state', () => parquet({ path: '.fanmill/x' }), 'expected a path outside .fanmill'],
  [
    'a column partitioned and sorted by',
    () => parquet({ path: 'a', partitionBy: ['x'], sortBy: ['X'] }),
    'got X in both',
  ],
  ['a column twice', () => parquet({ path: 'a', sortBy: ['x', 'X'] }), 'parquet: sortBy: expected each column once'],
  [
    'partitions to replace where there are none',
    () => parquet({ path: 'a', mode: 'replacePartitions' }),
    'expected a column, as mode is replacePartitions',
  ],
  [
    'partitions of member files',
    () => memberFiles({ path: 'a', mode: 'replacePartitions' }),
    'memberFiles: mode: expected one of',
  ],
  [
    'partitions by a provenance column, whose folders readers take for hidden',
    () => parquet({ path: 'a', partitionBy: ['year', '_archive'] }),
    'got _archive; rename the column, for instance with sql`select *, "_archive" as "archive" from input`',
  ],
  [
    'partitions by a column that begins with a dot',
    () => parquet({ path: 'a' }).with({ partitionBy: ['.k'] }),
    'expected columns that do not begin with _ or .',
  ],
  ['an unknown mode', () => parquet({ path: 'a', mode: 'overwrite' as never }), 'mode: expected one of replace, fail'],
])('refuses %s', (_, build, message) => {
  expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
  expect(build).toThrow(message)
})

it('names the option that replaced archives', () => {
  const given = { archives: 'a.zip' }
  expect(() => zipMembers(given as never)).toThrow('zipMembers: archives: unknown option, did you mean paths')
})

it('takes the rows of a function, for JSON values as partitions', () => {
  const rows = function* () {}
  const source = rowsFrom({ partitions: [1, 'a', { day: '2024-01-01' }], rows })
  expect(source).toMatchObject({ kind: 'rowsFrom', rows, partitionBytes: 8 * 2 ** 20, hive: false })
  expect(source.with({ partitionBytes: 1 }).partitions).toEqual(source.partitions)
  expect(() => rowsFrom({ partitions: [1, Number.NaN], rows })).toThrow(
    'rowsFrom: partitions.1: expected a JSON value, got NaN',
  )
  expect(() => rowsFrom({ partitions: [1], read: rows } as never)).toThrow('unknown option, did you mean rows')
})

it('takes a function over JSON values, or values that are rows', () => {
  const map = (n: number) => ({ n })
  expect(items([1, 2], map)).toMatchObject({ kind: 'items', values: [1, 2], map, concurrency: 5, retries: 0 })
  expect(items([{ n: 1 }])).not.toHaveProperty('map')
  expect(() => items([1, Number.NaN], map)).toThrow('items: values.1: expected a JSON value, got NaN')
  expect(() => items([{ n: 1 }, 2])).toThrow('items: values.1: expected an object with a value for each column, got 2')
  expect(() => items([1], map, { concurrency: 0 })).toThrow(
    'items: concurrency: expected a whole number from 1 up, got 0',
  )
  expect(() => items([1], map, { limit: 2 } as never)).toThrow('items: limit: unknown option, did you mean concurrency')
  expect(() => items(1 as never)).toThrow('items: values: expected a list of JSON values, or a function of the params')
})
