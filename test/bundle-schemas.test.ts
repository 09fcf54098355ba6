/** Checks of a task's SQL at synthesis, by a real engine against empty inputs, as far as columns are known. */
import { describe, expect, it } from 'vitest'
import { type TaskSchema, taskSchemas } from '../lib/bundle-schemas.ts'
import {
  column,
  csv,
  files,
  memberFiles,
  param,
  parquet,
  parquetFiles,
  pipeline,
  sql,
  table,
  task,
  zipMembers,
} from '../lib/define/index.ts'
import { taskWithSteps } from '../lib/define/tasks/task.ts'
import type { AnyTaskOptions } from '../lib/define/tasks/task-options.ts'
import { mapRows, type TestTaskOptions } from './engine/converting.ts'

const given = {
  name: 'flights',
  source: files({ paths: 'flights/*.csv', format: csv() }),
  columns: { delay: column.int32(), origin: column.string() },
  output: parquet({ path: '{task}' }),
} satisfies AnyTaskOptions

const airports = table('airports.csv', csv())
const typedAirports = table('airports.csv', csv(), { iata: column.string(), state: column.string() })
const joined = sql`select i.*, a.state from input i left join airports a on a.iata = i.origin`

async function schemaOf(
  { transform = [], ...options }: TestTaskOptions,
  withSamples = false,
): Promise<TaskSchema | undefined> {
  const flights = taskWithSteps({ ...given, ...options }, [transform].flat())
  const built = pipeline({ name: 'all', tasks: [flights] })
  return (await taskSchemas(built, { withSamples })).flights
}

describe('taskSchemas', () => {
  it('returns the columns of each task’s output, with the types of the engine', async () => {
    const transform = [joined, mapRows(() => ({ late: true }), { adds: { late: column.boolean() } })]
    expect(await schemaOf({ tables: { airports: typedAirports }, transform })).toEqual({
      columns: [
        { name: 'delay', type: 'INTEGER' },
        { name: 'origin', type: 'VARCHAR' },
        { name: 'state', type: 'VARCHAR' },
        { name: 'late', type: 'BOOLEAN' },
      ],
    })
  })

  it.each([
    [{ where: sql`dely > 0` }, 'SQL_INVALID', 'task flights: where: unknown column dely; did you mean delay'],
    [{ transform: sql`select delay from inptu` }, 'SQL_INVALID', 'task flights: transform step 1: unknown table inptu'],
    [{ transform: sql`select delay form input` }, 'SQL_INVALID', 'task flights: transform step 1: '],
    [{ transform: sql`select origin, avg(delay) from input group by all` }, 'SQL_NOT_ROWWISE', 'task flights: '],
    [
      {
        tables: { airports: typedAirports },
        transform: [sql`select * from input`, sql`select a.stat from input, airports a`],
      },
      'SQL_INVALID',
      'task flights: transform step 2: ',
    ],
    [
      { transform: sql`select delay from input`, output: parquet({ path: '{task}', partitionBy: ['origin'] }) },
      'DEFINITION_INVALID',
      'task flights: output.partitionBy: ',
    ],
  ])('refuses %j', async (options, code, message) => {
    await expect(schemaOf(options)).rejects.toMatchObject({
      name: 'PermanentError',
      code,
      message: expect.stringContaining(message),
    })
  })

  it('calls the steps that are functions with the defaults of their params', async () => {
    const params = { least: param.integer({ default: 15 }) }
    const output = parquet({ path: '{task}/{least}' })
    const transform = ({ least }: { least: number }) => sql`select * from input where dely > ${least}`
    await expect(schemaOf({ params, output, transform } as never)).rejects.toMatchObject({ code: 'SQL_INVALID' })
  })

  it('returns no columns when they depend on a param without a default, or on a table or an input without columns', async () => {
    const params = { month: param.month(), least: param.integer() }
    const output = parquet({ path: '{task}/{month}/{least}' })
    const byParam = ({ least }: { least: number }) => sql`select dely from input where delay > ${least}`
    expect(await schemaOf({ params, output, transform: byParam } as never)).toEqual({
      unknown: 'a step reads param least, which has no default',
    })
    expect(await schemaOf({ tables: { airports }, transform: joined })).toEqual({
      unknown: 'its table airports declares no columns',
    })
    const source = files({ paths: '*.parquet', format: parquetFiles() })
    expect(await schemaOf({ source, columns: undefined, where: sql`dely > 0` })).toEqual({
      unknown: 'the task declares no columns',
    })
  })

  it('treats a step that throws with the defaults as one that depends on a run', async () => {
    const params = { least: param.integer({ default: 0 }) }
    const transform = ({ least }: { least: number }) => {
      if (least === 0) throw new Error('say how late')
      return sql`select * from input`
    }
    const output = parquet({ path: '{task}/{least}' })
    expect(await schemaOf({ params, output, transform } as never)).toEqual({
      unknown: 'a step throws with the defaults of its params',
    })
  })

  it('checks the steps before such a step completely, and those after it by their syntax', async () => {
    const tables = { airports }
    await expect(schemaOf({ tables, where: sql`dely > 0`, transform: joined })).rejects.toMatchObject({
      message: expect.stringContaining('unknown column dely'),
    })
    const transform = [joined, sql`select state, current_date from input`]
    expect(await schemaOf({ tables, transform })).toHaveProperty('unknown')
    await expect(schemaOf({ tables, transform: [joined, sql`select state form input`] })).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message: expect.stringContaining('transform step 2'),
    })
    const counted = sql`select a.state, count(*) from input i join airports a on a.iata = i.origin group by 1`
    await expect(schemaOf({ tables, where: sql`delay > 0`, transform: counted })).rejects.toMatchObject({
      code: 'SQL_NOT_ROWWISE',
      message: expect.stringContaining('task flights: transform step 1: GROUP BY'),
    })
  })

  it('needs no columns of a table that no step names', async () => {
    expect(await schemaOf({ tables: { airports }, where: sql`delay > 0` })).toHaveProperty('columns')
  })

  it('uses sample values for params without a default when columns are required', async () => {
    const params = { month: param.month() }
    const output = parquet({ path: '{task}/{month}' })
    const transform = ({ month }: { month: string }) => sql`select *, ${month} as month_of from input`
    expect(await schemaOf({ params, output, transform } as never, true)).toMatchObject({
      columns: [{}, {}, { name: 'month_of', type: 'VARCHAR' }],
    })
  })

  it('lists only tasks that write Parquet', async () => {
    const pictures = task({
      name: 'pictures',
      source: zipMembers({ paths: '*.zip' }),
      output: memberFiles({ path: 'pictures' }),
    })
    expect(await taskSchemas(pipeline({ name: 'all', tasks: [pictures] }), { withSamples: false })).toEqual({})
  })
})
