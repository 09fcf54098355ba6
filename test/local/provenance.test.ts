/** Columns that say which run loaded a row, and when it began. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DatasetRow } from '../../lib/index.ts'
import { buildZip } from '../zip-builder.ts'
import { type Project, project } from './project.ts'

const pipeline = (source: string, more: string, { output = `path: 't'`, steps = '' } = {}) => `
import { column, csv, files, jsonLines, parquet, parquetFiles, pipeline, sql, task, zipMembers } from 'fanmill'
export const t = task({
  name: 't',
  source: ${source},
  columns: { x: column.int32() },
  output: parquet({ ${output} }),
  ${more}
})${steps}
export default pipeline({ name: 't', tasks: [t] })
`
const both = `provenance: ['_run', '_loaded_at']`

async function rowsOf(some: Project): Promise<readonly DatasetRow[]> {
  return (await some.rows()).toSorted((a, b) => Number(a.x) - Number(b.x))
}

describe('_run and _loaded_at', () => {
  it.each([
    ['zip members', `zipMembers({ paths: '*.zip', format: csv() })`],
    ['CSV files', `files({ paths: '*.csv', format: csv() })`],
    ['JSON lines', `files({ paths: '*.jsonl', format: jsonLines() })`],
  ])('are the same in all rows and batches of a run over %s', async (_, source) => {
    const some = project(pipeline(source, both), {
      'a.zip': buildZip({ 'a.csv': 'x\n1\n' }),
      'b.zip': buildZip({ 'b.csv': 'x\n2\n' }),
      'a.csv': 'x\n1\n',
      'b.csv': 'x\n2\n',
      'a.jsonl': '{"x":1}\n',
      'b.jsonl': '{"x":2}\n',
    })
    const began = Date.now()
    const { tasks } = await some.run({}, { groupBytes: 4 })
    const rows = await rowsOf(some)
    expect(rows).toEqual([1, 2].map(x => ({ x, _run: tasks[0]!.runId, _loaded_at: rows[0]!._loaded_at })))
    const loadedAt = rows[0]!._loaded_at as Date
    expect(loadedAt.getTime()).toBeGreaterThanOrEqual(began)
    expect(loadedAt.getTime()).toBeLessThanOrEqual(Date.now())
    expect(some.manifest('t').schema.slice(1)).toEqual([
      { name: '_run', type: 'VARCHAR' },
      { name: '_loaded_at', type: 'TIMESTAMP WITH TIME ZONE' },
    ])
  })

  it('stay those of the attempt when it is resumed, beside the place of each row, and are seen by SQL', async () => {
    const more = `provenance: ['_member', '_line', '_run', '_loaded_at'], rejects: { max: 1 }`
    const steps = '.sql`select x, _member as member, _line, _run as run, _loaded_at as at from input`'
    const some = project(pipeline(`zipMembers({ paths: '*.zip', format: csv() })`, more, { steps }), {
      'a.zip': buildZip({ 'a.csv': 'x\n1\nbad\n' }),
      'b.zip': buildZip({ 'b.csv': 'x\nbad\n2\n' }),
    })
    expect(await some.run({}, { groupBytes: 4 })).toMatchObject({ error: { code: 'REJECTS_OVER_LIMIT' } })
    // The second batch is lost, and done again by the run that resumes the attempt.
    const runId = (await some.run({ rejectsMax: 1 }, { groupBytes: 4 })).tasks[0]!.runId
    rmSync(join(some.out, `.fanmill/runs/${runId}/1/outcomes/1.json`))
    const between = Date.now()
    expect(await some.run({ rejectsMax: 2 }, { groupBytes: 4 })).toMatchObject({ status: 'complete' })
    const rows = await rowsOf(some)
    expect(rows.map(({ member, _line, run }) => ({ member, _line, run }))).toEqual([
      { member: 'a.csv', _line: 2n, run: runId },
      { member: 'b.csv', _line: 3n, run: runId },
    ])
    expect(rows[1]!.at).toEqual(rows[0]!.at)
    expect((rows[0]!.at as Date).getTime()).toBeLessThan(between)
  })

  it('come with Parquet files too', async () => {
    const some = project(pipeline(`files({ paths: '*.csv', format: csv() })`, '', { output: `path: 'first'` }), {
      'a.csv': 'x\n1\n',
    })
    await some.run()
    const part = some.outputFiles().find(name => name.endsWith('.parquet'))!
    some.write({ 'in/a.parquet': readFileSync(join(some.out, part)) })
    some.write({ 'pipeline.ts': pipeline(`files({ paths: 'in/*.parquet', format: parquetFiles() })`, both) })
    const { tasks } = await some.run()
    expect(await rowsOf(some)).toEqual([{ x: 1, _run: tasks[0]!.runId, _loaded_at: expect.any(Date) }])
  })

  it.each(['_run', '_loaded_at', '_archive'])(
    'cannot be a partition as %s, which readers would not see',
    async name => {
      const some = project(
        pipeline(`files({ paths: '*.csv', format: csv() })`, `provenance: ['${name}']`, {
          output: `path: 't', partitionBy: ['${name}']`,
        }),
      )
      await expect(some.run()).rejects.toMatchObject({
        code: 'DEFINITION_INVALID',
        message: expect.stringMatching(new RegExp(`partitionBy: .*got ${name}; .* as "${name.slice(1)}" from input`)),
      })
    },
  )
})
