import { expect, it } from 'vitest'
import { hiveNamesOf, mayHaveMoreHive } from '../../lib/define/columns/hive-names.ts'
import { csv, files } from '../../lib/define/index.ts'
import { hiveColumns, hiveValues } from '../../lib/paths/hive-columns.ts'
import { partitionFolder } from '../../lib/paths/partition-path.ts'

it('reads the values from which partition folders were written', () => {
  for (const value of ['NY', 'a/b', 'ä=ü', '50%', '%41', '日本', null, '__HIVE_DEFAULT_PARTITION__', '..'])
    expect(hiveValues(`${partitionFolder({ 'the name': value, other: 'x' })}part.parquet`)).toEqual({
      'the name': value,
      other: 'x',
    })
})

it('reads only folders with a name before the equals sign, and keeps a text that is not percent-encoded', () => {
  expect(hiveValues('a/=x/b=/c=1=2/d=100%/e=f.csv')).toEqual({ b: '', c: '1=2', d: '100%' })
  expect(hiveValues('plain/a.csv')).toEqual({})
  expect(() => hiveValues('a=1/a=2/x.csv')).toThrow(
    'a=1/a=2/x.csv: expected folders of different columns, got a= twice',
  )
})

it('lists declared names that any path has, and other names that all paths have', () => {
  expect(hiveColumns(['y=1/m=2/a', 'm=3/b', 'm=4/c'], ['y'])).toEqual(['y', 'm'])
  expect(() => hiveColumns(['m=3/b', 'y=1/m=2/a'], [])).toThrow(
    'expected the columns m in its path as in m=3/b, got y, m',
  )
})

it('finds the names in a template, and whether paths may have more', () => {
  const of = (paths: string, hive?: boolean) => files({ paths, format: csv(), ...(hive === undefined ? {} : { hive }) })
  expect(hiveNamesOf(of('in/year={year}/month=*/*.csv'))).toEqual(['year', 'month'])
  expect(hiveNamesOf(of('in/year={year}/*.csv', false))).toEqual([])
  expect(mayHaveMoreHive(of('in/year={year}/month=*/*.csv'))).toBe(false)
  expect(mayHaveMoreHive(of('in/**/*.csv'))).toBe(true)
})
