import { expect, it } from 'vitest'
import { column, csv } from '../../lib/define/index.ts'
import { textSources } from '../../lib/engine/read/text-source.ts'
import { convertTask, taskOf } from './converting.ts'

const count = 20_000
const names = Array.from({ length: count }, (_, index) => `c${index}`)
const numbers = names.map((_, index) => String(index))
const columns = { c3: column.int32(), c500: column.int32(), c19999: column.string() }

it('reads 3 of 20,000 columns, whatever is in the others', async () => {
  const text = [names, numbers, numbers.with(7, 'x')].map(each => each.join(',')).join('\n')
  const { rows, rejects } = await convertTask(taskOf({ columns }), { inputs: { 'x.csv': `${text}\n` } })
  const row = { c3: '3', c500: '500', c19999: '19999' }
  expect(rows).toEqual([row, row])
  expect(rejects).toEqual([])
})

it('names only the columns that are asked for to the engine', () => {
  const file = { file: 'x', bytes: 1, records: 1, columns: names, members: [], newline: 'lf', located: false } as never
  const used = (options: object) =>
    textSources([file], { format: csv(), columns, badRecords: 'fail', ...options })[0]?.used
  expect(used({})).toEqual(['"text c3"', '"text c500"', '"text c19999"'])
  expect(used({ keepNew: true })).toHaveLength(count)
})
