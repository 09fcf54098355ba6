/** Several tasks of a pipeline in one command. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../../lib/index.ts'
import { fanmill, folderOf } from './fanmill.ts'

const pipeline = `
import { column, csv, files, param, parquet, partitionsOf, pipeline, task } from 'fanmill'
const read = (name, more = {}) => task({
  name, source: files({ paths: '*.csv', format: csv() }), columns: { id: column.int32() }, ...more,
})
const trips = read('trips', { output: parquet({ path: 'trips' }) })
const late = task({ name: 'late', source: partitionsOf(trips), output: parquet({ path: 'late' }) })
const weather = read('weather', { params: { year: param.integer() }, output: parquet({ path: 'weather/{year}' }) })
const other = read('other', { output: parquet({ path: 'other' }) })
export default pipeline({ name: 'several', tasks: [trips, late, weather, other] })
`

it('run, plan and graph take several tasks, each with what it requires and with its own parameters', async () => {
  const cwd = folderOf({ 'pipeline.ts': pipeline, 'a.csv': 'id\n1\n2\n' })
  const some = ['pipeline.ts', 'late', 'weather', '--param', 'year=2001']
  const plan = await fanmill(['plan', ...some, '--json'], { cwd })
  const nodes = ['trips', 'late', 'weather(year=2001)']
  expect(JSON.parse(plan.stdout).tasks.map(({ node }: { node: string }) => node)).toEqual(nodes)
  const graph = await fanmill(['graph', ...some, '--json'], { cwd })
  expect(JSON.parse(graph.stdout)).toMatchObject({
    requested: ['late', 'weather(year=2001)'],
    nodes: nodes.map(node => ({ node, state: 'due' })),
  })
  const { code, stdout } = await fanmill(['run', ...some], { cwd })
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('3 nodes: 3 complete\n') })
  const found = ['trips', 'late', 'weather/2001', 'other'].map(name => existsSync(join(cwd, 'out', name, '_SUCCESS')))
  expect(found).toEqual([true, true, true, false])

  const options = { input: cwd, output: join(cwd, 'out'), workers: 1 }
  const again = await run(join(cwd, 'pipeline.ts'), { ...options, task: ['trips', 'other', 'trips'] })
  expect(again.tasks.map(({ task, status }) => [task, status])).toEqual([
    ['trips', 'skipped'],
    ['other', 'complete'],
  ])
})

it('names the task of several that the pipeline does not have, before any runs', async () => {
  const cwd = folderOf({ 'pipeline.ts': pipeline, 'a.csv': 'id\n1\n' })
  const { code, stderr } = await fanmill(['run', 'pipeline.ts', 'trips', 'latte'], { cwd })
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has no task latte; did you mean late'),
  })
  expect(existsSync(join(cwd, 'out/trips'))).toBe(false)
})
