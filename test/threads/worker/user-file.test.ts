import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { column, csv, files, parquet, run, task } from '../../../lib/index.ts'
import { userFile } from '../../../lib/threads/worker/user-file.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-file-'))
  mkdirSync(join(folder, 'models'))
  writeFileSync(join(folder, 'models/factors.json'), '{ "twice": 2 }')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('ctx.file', () => {
  it('reads a file as bytes, text or JSON, and returns its path', () => {
    const file = userFile(folder, 'models/factors.json')
    expect(file.json()).toEqual({ twice: 2 })
    expect(file.text()).toBe('{ "twice": 2 }')
    expect(file.bytes()).toHaveLength(14)
    expect(file.path).toBe(join(folder, 'models/factors.json'))
  })

  it.each(['../secrets.txt', '/etc/hosts', 'models', 'models/none.json', ''])('refuses %j', name => {
    expect(() => userFile(folder, name)).toThrow(/ctx\.file/)
  })

  it('can be called in setup, and reads from the folder of the pipeline', async () => {
    writeFileSync(join(folder, 'visits.csv'), 'visitors\n3\n')
    writeFileSync(join(folder, 'pipeline.ts'), pipelineText)
    const { status, tasks } = await run(join(folder, 'pipeline.ts'), {
      input: folder,
      output: join(folder, 'out'),
      workers: 1,
    })
    expect({ status, rows: tasks[0]?.rowsWritten }).toEqual({ status: 'complete', rows: 1 })
  })

  it('is typed', () => {
    task({
      name: 'typed',
      source: files({ paths: '*.csv', format: csv() }),
      columns: { visitors: column.int32() },
      setup: ctx => ctx.file('models/factors.json').bytes().length,
      output: parquet({ path: 'typed' }),
    }).mapRows((row, { state }) => ({ ...row, size: state satisfies number }), { adds: { size: column.int32() } })
  })
})

const pipelineText = `import { column, csv, files, parquet, pipeline, task } from 'fanmill'
const visits = task({
  name: 'visits',
  source: files({ paths: 'visits.csv', format: csv() }),
  columns: { visitors: column.int32() },
  setup: ctx => ctx.file('models/factors.json').json(),
  output: parquet({ path: 'visits' }),
}).mapRows((row, ctx) => ({ twice: row.visitors * ctx.state.twice }), { adds: { twice: column.int32() } })
export default pipeline({ name: 'visits', tasks: [visits] })
`
