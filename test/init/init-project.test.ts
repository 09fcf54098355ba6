/** Projects that are created around data. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { run } from '../../lib/index.ts'
import { initProject } from '../../lib/init/init-project.ts'
import { projectNames } from '../../lib/init/project-names.ts'
import { projectVersions } from '../../lib/init/versions.ts'
import { preview } from '../../lib/local/preview.ts'
import { buildZip } from '../zip-builder.ts'

const folder = mkdtempSync(join(tmpdir(), 'fanmill-init-'))
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const init = (name: string, data?: string) => initProject({ data, directory: join(folder, name), version: '0.1.0' })
const text = (name: string, path: string): string => readFileSync(join(folder, name, path), 'utf8')

describe('fanmill init', () => {
  it('creates a pipeline that reads an archive, and a test of its first records', async () => {
    const data = file('Trips 2024.zip', buildZip({ 'a/x.csv': 'id;day\n1;31.01.2024\n', 'readme.md': 'hello' }))
    const { task, files } = await init('trips', data)
    expect(task).toBe('trips-2024')
    expect(files).toContain('test/sample.csv')
    const pipeline = text('trips', 'pipelines/trips-2024.ts')
    expect(pipeline).toContain(
      "zipMembers({ paths: 'Trips 2024.zip', members: '**/*.csv', format: csv({ delimiter: ';' }) })",
    )
    expect(pipeline).toContain("day: column.date({ format: '%d.%m.%Y' }),")
    expect(text('trips', 'test/trips-2024.test.ts')).toContain("{ 'Trips 2024.zip': { 'a/x.csv': sample } }")
    expect(JSON.parse(text('trips', 'fanmill.config.json'))).toEqual({ input: '..', output: 'out' })
    const made = join(folder, 'trips')
    const options = { input: folder, output: join(made, 'out'), workers: 1 }
    expect(await run(join(made, 'pipelines/trips-2024.ts'), options)).toMatchObject({ status: 'complete' })
    expect((await preview(join(made, 'pipelines/trips-2024.ts'), { task, ...options })).rows).toEqual([
      ['1', '2024-01-31'],
    ])
  })

  it('allows some rejects where the data has some, and compresses the sample as the data is', async () => {
    const rows = Array.from({ length: 600 }, (_, id) => `${id},${'x'.repeat(20)}\n`).join('')
    await init('logs', file('logs.csv.gz', gzipSync(`id,text\n${rows}total: 600\n`)))
    expect(text('logs', 'pipelines/logs.ts')).toContain("rejects: { max: '1%' }")
    expect(readdirSync(join(folder, 'logs/test'))).toEqual(['logs.test.ts', 'sample.csv.gz'])
  })

  it('writes example data where none is given', async () => {
    const { files } = await init('example')
    expect(files).toEqual(expect.arrayContaining(['data/visits.csv', 'pipelines/visits.ts', 'app.ts', 'tsconfig.json']))
  })

  it('never overwrites a file', async () => {
    await expect(init('example')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/data\/visits.csv/),
    })
    const data = file('again.csv', 'id\n1\n2\n')
    await init('again', data)
    await expect(init('again', data)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(init('again.csv', data)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/got the file/),
    })
    expect(existsSync(join(folder, 'nothing'))).toBe(false)
  })

  it('makes names that tasks, stacks and TypeScript take', () => {
    expect(projectNames('2001-flights.tar.gz')).toEqual({
      name: 'data-2001-flights',
      variable: 'data2001Flights',
      stack: 'Data2001Flights',
    })
    expect(projectNames('files.csv')).toMatchObject({ name: 'files', variable: 'filesTask' })
    expect(projectNames('été.csv')).toMatchObject({ name: 'ete' })
    expect(projectNames('数据.csv')).toMatchObject({ name: 'data' })
  })

  it('installs the versions of packages with which Fanmill is tested', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(devDependencies).toMatchObject(projectVersions)
  })
})
