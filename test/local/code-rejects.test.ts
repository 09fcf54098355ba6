import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import { buildZip } from '../zip-builder.ts'
import { type Project, project } from './project.ts'

const pipeline = `
import { column, csv, parquet, pipeline, RejectError, sql, task, zipMembers } from 'fanmill'

const priceOf = (text: string): number => {
  if (!/^[0-9.]+$/.test(text)) throw new RejectError('price is no number')
  return Number(text)
}

export default pipeline({
  name: 'sales',
  tasks: [
    task({
      name: 'sales',
      source: zipMembers({ paths: 'in/*.zip', format: csv() }),
      columns: { id: column.int32(), price: column.string() },
      output: parquet({ path: 'sales' }),
    })
      .sql\`select id, trim(price) as price from input\`
      .mapRows((row: any, context) => (row.id === 30000 ? context.reject('id is taken') : { amount: priceOf(row.price) }), {
        adds: { amount: column.float64() },
      }),
  ],
})
`

const records = Array.from({ length: 40_000 }, (_, id) => `${id},${id % 10_000 === 9 ? 'free' : ` ${id}.5`}`)
const text = `id,price\n${records.join('\n')}\n`
let made: Project

beforeAll(() => {
  made = project(pipeline, { 'in/a.zip': buildZip({ 'few.csv': 'id,price\n1,1\n', 'many.csv': text }) })
})

afterAll(() => rmSync(made.folder, { recursive: true }))

it('counts the rejects of functions against the limit of the task', async () => {
  const { error } = await made.run()
  expect(error).toMatchObject({
    code: 'REJECTS_OVER_LIMIT',
    message: expect.stringMatching(
      /at most 0 rejected rows of 40001, got 5; first: .*many.csv line 11: expected price is no number; fix/,
    ),
    detail: { rejects: expect.arrayContaining([expect.objectContaining({ line: 11, received: '9,free' })]) },
  })
})

it('commits the other rows when the limit allows it, and stores the rejects with their places and texts', async () => {
  const { status, tasks } = await made.run({ rejectsMax: 5 })
  expect(status).toBe('complete')
  expect(tasks[0]).toMatchObject({ rowsWritten: 39_996, rowsRejected: 5 })
  const rejects = await fanmill.rejects({ output: made.out })
  expect(rejects.map(({ member, line, expected, text }) => [member, line, expected, text])).toEqual([
    ['many.csv', 11, 'price is no number', '9,free'],
    ['many.csv', 10_011, 'price is no number', '10009,free'],
    ['many.csv', 20_011, 'price is no number', '20009,free'],
    ['many.csv', 30_002, 'id is taken', '30000, 30000.5'],
    ['many.csv', 30_011, 'price is no number', '30009,free'],
  ])
})
