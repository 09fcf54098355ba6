/** `plan`: what a run would do. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import { project } from './project.ts'
import { goodMembers, tripsProject } from './trips.ts'

const tables = 'tables: { cities: table("reference/cities.csv", csv()) }'

describe('a plan', () => {
  it('counts what would be read and written, with tables', async () => {
    const { pipeline, folder } = tripsProject({ task: tables })
    const bytes = Object.values(goodMembers).join('').length
    expect(await fanmill.plan(pipeline, { input: folder })).toEqual({
      tasks: [
        {
          task: 'trips',
          node: 'trips(month=2001-01)',
          status: 'due',
          reasons: [{ kind: 'neverRun', text: 'first run' }],
          params: { month: '2001-01' },
          inputs: 1,
          members: 2,
          membersSkipped: 0,
          bytes,
          bytesIn: expect.any(Number),
          slices: 1,
          batches: 1,
          skew: 1,
          expectedParts: 1,
          tables: [{ name: 'cities', path: 'reference/cities.csv', bytes: 21 }],
          warnings: [],
          aws: expect.objectContaining({ batches: 1, transitions: 12 }),
        },
      ],
    })
  })

  it('estimates the cost of the same run on AWS, but not of a sample', async () => {
    const { pipeline, folder } = tripsProject()
    const [task] = (await fanmill.plan(pipeline, { input: folder })).tasks
    expect(task?.aws?.dollars).toBeGreaterThan(0)
    expect(task?.aws?.dollars).toBeLessThan(0.01)
    expect(task?.aws?.seconds).toBeLessThan(60)
    const [sampled] = (await fanmill.plan(pipeline, { input: folder, sample: 1 })).tasks
    expect(sampled).not.toHaveProperty('aws')
  })

  it.each([
    ['', '.sql`select ctiy from input`', 'task trips: transform step 1: unknown column ctiy; did you mean city'],
    [
      tables,
      '.sql`select i.*, c.contry from input i left join cities c on c.name = i.city`',
      'task trips: transform step 1: unknown column contry; ',
    ],
    ['where: sql`price > 1 limit 2`', '', 'task trips: where: expected one expression, got more than that'],
    [
      '',
      '.sql(({ month }) => sql`select *, $' + '{month} as m, nope from input`)',
      'task trips: transform step 1: unknown column nope; ',
    ],
  ])('checks SQL as a run does: %s %s', async (task, steps, message) => {
    const { pipeline, folder } = tripsProject({ task, steps })
    const failure = { code: 'SQL_INVALID', message: expect.stringContaining(message) }
    await expect(fanmill.plan(pipeline, { input: folder })).rejects.toMatchObject(failure)
  })

  it('writes nothing', async () => {
    const { pipeline, folder, output } = tripsProject()
    await fanmill.plan(pipeline, { input: folder, output })
    expect(existsSync(output)).toBe(false)
  })

  it('plans part of the members for a sample', async () => {
    const { pipeline, folder } = tripsProject()
    expect((await fanmill.plan(pipeline, { input: folder, sample: 1 })).tasks[0]?.members).toBe(1)
  })

  it('warns of inputs and tables that do not exist', async () => {
    const { pipeline, folder } = tripsProject({ task: tables.replace('cities.csv', 'towns.csv') })
    const [task] = (await fanmill.plan(pipeline, { input: folder, params: { month: '2002-01' } })).tasks
    expect(task).toMatchObject({ inputs: 0, members: 0, slices: 0, expectedParts: 0 })
    expect(task?.warnings).toEqual([
      expect.stringMatching(/^NO_INPUT .*incoming\/2002-01\/\*\.zip/),
      expect.stringMatching(/^NO_INPUT .*reference\/towns\.csv/),
    ])
  })

  it('warns of no dataset that a run of the plan writes first, be it read as rows or as a table', async () => {
    const some = project(
      `
import { column, csv, delta, files, parquet, partitionsOf, pipeline, table, task } from 'fanmill'
const columns = { shop: column.string() }
const read = paths => files({ paths, format: csv() })
const sales = task({ name: 'sales', source: read('sales.csv'), columns, output: parquet({ path: 'sales' }) })
const shops = task({ name: 'shops', source: read('shops.csv'), columns, output: delta({ path: 'shops', mode: 'overwrite' }) })
const both = task({ name: 'both', source: partitionsOf(shops), tables: { sales: table(sales) }, output: parquet({ path: 'both' }) })
  .sql\`select i.* from input i join sales using (shop)\`
const cities = task({ name: 'cities', requires: shops, source: partitionsOf({ path: 'cities' }), output: parquet({ path: 'other' }) })
export default pipeline({ name: 'shops', tasks: [sales, shops, both, cities] })
`,
      { 'sales.csv': 'shop\na\n', 'shops.csv': 'shop\na\n' },
    )
    const look = async () => {
      const { tasks } = await fanmill.plan(join(some.folder, 'pipeline.ts'), { input: some.folder, output: some.out })
      return Object.fromEntries(tasks.map(({ task, warnings }) => [task, warnings]))
    }
    const cities = [expect.stringMatching(/^NO_INPUT .*expected a dataset at .*cities/)]
    expect(await look()).toEqual({ sales: [], shops: [], both: [], cities })
    await some.run({ task: 'sales' })
    expect(await look()).toEqual({ sales: [], shops: [], both: [], cities })
  })

  it.each([
    ['TASK_UNKNOWN', { task: 'trip' }],
    ['PARAM_INVALID', { params: { month: 'May' } }],
  ])('fails with %s as a run would', async (code, options) => {
    const { pipeline, folder } = tripsProject()
    await expect(fanmill.plan(pipeline, { input: folder, ...options })).rejects.toMatchObject({ code })
  })
})
