/** Members extracted as they are, through plan, process and commit. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { type Project, project } from './project.ts'

const pipelineOf = (source = '', output = '') => `
import { memberFiles, pipeline, task, zipMembers } from 'fanmill'
export const docs = task({
  name: 'docs',
  source: zipMembers({ paths: 'incoming/*.zip', ${source} }),
  output: memberFiles({ path: 'extracted', ${output} }),
})
export default pipeline({ name: 'docs', tasks: [docs] })
`

const binary = new Uint8Array([0, 255, 1, 254])
const first = buildZip([
  { name: 'a.txt', data: 'one' },
  { name: 'deep/er/b.bin', data: binary, method: 0 },
  { name: 'deep/empty', data: '' },
])

const read = ({ out }: Project, path: string) => readFileSync(join(out, 'extracted', path), 'utf8')

describe('memberFiles', () => {
  it('extracts the members of all archives under the output path, with path, size and CRC of each in _SUCCESS', async () => {
    const docs = project(pipelineOf(), { 'incoming/1.zip': first, 'incoming/2.zip': buildZip({ 'c.txt': 'three' }) })
    const { status, tasks, error } = await docs.run()
    expect(error).toBeUndefined()
    expect(status).toBe('complete')
    expect(tasks[0]).toMatchObject({ members: 4, rowsWritten: 0, parts: 0, bytesOut: 12 })
    expect(docs.outputFiles()).toEqual(
      ['_SUCCESS', 'a.txt', 'c.txt', 'deep/empty', 'deep/er/b.bin'].map(name => `extracted/${name}`),
    )
    expect(readFileSync(join(docs.out, 'extracted/deep/er/b.bin'))).toEqual(Buffer.from(binary))
    const { files, totals, parts } = docs.manifest('extracted')
    expect(parts).toEqual([])
    expect(files).toContainEqual({
      path: 'deep/er/b.bin',
      sizeBytes: 4,
      crc32: expect.any(Number),
      runId: tasks[0]!.runId,
    })
    expect(totals).toMatchObject({ members: 4, bytes: 12 })
    expect(docs.leftovers()).toEqual([])
  })

  it('is skipped as complete when run again', async () => {
    const docs = project(pipelineOf(), { 'incoming/1.zip': first })
    await docs.run()
    expect(await docs.run()).toMatchObject({ status: 'skipped' })
  })

  it('replaces the files of the previous run, and removes those that are in no archive now', async () => {
    const docs = project(pipelineOf(), { 'incoming/1.zip': first })
    await docs.run()
    docs.write({ 'incoming/1.zip': buildZip({ 'a.txt': 'other', 'new.txt': 'n' }) })
    expect(await docs.run()).toMatchObject({ status: 'complete' })
    expect(docs.outputFiles()).toEqual(['extracted/_SUCCESS', 'extracted/a.txt', 'extracted/new.txt'])
    expect(read(docs, 'a.txt')).toBe('other')
  })

  it('adds the files of new archives with mode append', async () => {
    const docs = project(pipelineOf('', "mode: 'append'"), { 'incoming/1.zip': first })
    await docs.run()
    docs.write({ 'incoming/2.zip': buildZip({ 'c.txt': 'three' }) })
    expect(await docs.run()).toMatchObject({ status: 'complete', tasks: [{ members: 1 }] })
    expect(docs.manifest('extracted').files).toHaveLength(4)
    expect(read(docs, 'a.txt')).toBe('one')
  })

  it('extracts only the members that match, and streams huge ones', async () => {
    const huge = Buffer.alloc(65 * 2 ** 20, 'station,flights\n')
    const zip = buildZip([
      { name: 'deep/huge.csv', data: huge },
      { name: 'deep/huge.bin', data: huge, method: 0 },
      { name: 'a.txt', data: 'x' },
    ])
    const docs = project(pipelineOf("members: 'deep/**', limits: { ratioMax: 100_000 }"), { 'incoming/1.zip': zip })
    expect(await docs.run()).toMatchObject({ status: 'complete', tasks: [{ members: 2 }] })
    expect(docs.outputFiles()).toEqual(['extracted/_SUCCESS', 'extracted/deep/huge.bin', 'extracted/deep/huge.csv'])
    for (const name of ['bin', 'csv'])
      expect(readFileSync(join(docs.out, `extracted/deep/huge.${name}`)).equals(huge)).toBe(true)
  })

  it.each([
    ['ZIP_DUPLICATE_NAME', { 'incoming/2.zip': buildZip({ 'A.txt': 'x' }) }],
    ['ZIP_UNSAFE_NAME', { 'incoming/2.zip': buildZip({ '../evil.txt': 'x' }) }],
    ['ZIP_UNSAFE_NAME', { 'incoming/2.zip': buildZip({ _SUCCESS: 'x' }) }],
  ])('refuses with %s, over all archives, before anything is written', async (code, files) => {
    const docs = project(pipelineOf(), { 'incoming/1.zip': first, ...files })
    await expect(docs.run()).rejects.toMatchObject({ code })
    expect(docs.outputFiles()).toEqual([])
  })

  it('names both archives of one name, and a glob that leaves one of them out works', async () => {
    const docs = project(pipelineOf(), {
      'incoming/1.zip': first,
      'incoming/2.zip': buildZip({ 'a.txt': 'two', 'b.txt': 'x' }),
    })
    await expect(docs.run()).rejects.toMatchObject({
      code: 'ZIP_DUPLICATE_NAME',
      message:
        'expected names that make different files, got "a.txt" of incoming/1.zip and "a.txt" of incoming/2.zip; leave an archive out (paths: \'!(…).zip\'), extract each to a path of its own, or members: \'!a.txt\' leaves the name out',
    })
    docs.write({ 'pipeline.ts': pipelineOf("members: '!a.txt'") })
    expect(await docs.run()).toMatchObject({ status: 'complete', tasks: [{ members: 3 }] })
    docs.write({ 'pipeline.ts': pipelineOf().replace('incoming/*.zip', 'incoming/!(2).zip') })
    expect(await docs.run()).toMatchObject({ status: 'complete', tasks: [{ members: 3 }] })
    expect(read(docs, 'a.txt')).toBe('one')
  })

  it('names the archive and the name that is too long for a file system', async () => {
    const docs = project(pipelineOf(), { 'incoming/1.zip': buildZip({ [`x/${'ü'.repeat(128)}`]: 'x' }) })
    await expect(docs.run()).rejects.toMatchObject({
      code: 'ZIP_UNSAFE_NAME',
      message: expect.stringContaining('ü" of incoming/1.zip (a segment of 256 bytes, where a file system takes 255)'),
    })
  })

  it('makes nothing visible when a member is damaged, and removes what was pending once the archive is fixed', async () => {
    const bad = buildZip([
      { name: 'a.txt', data: 'one' },
      { name: 'bad.txt', data: 'abc', declared: { crc32: 1 } },
    ])
    const docs = project(pipelineOf(), { 'incoming/1.zip': bad })
    expect(await docs.run()).toMatchObject({
      status: 'failed',
      error: { code: 'ZIP_CRC_MISMATCH', detail: { member: 'bad.txt' } },
    })
    expect(docs.outputFiles()).toEqual([])
    docs.write({ 'incoming/1.zip': first })
    expect(await docs.run()).toMatchObject({ status: 'complete' })
    expect(docs.leftovers()).toEqual([])
  })

  it('skips a damaged member with onBadMember, and counts it', async () => {
    const bad = buildZip([
      { name: 'a.txt', data: 'one' },
      { name: 'bad.txt', data: 'abc', declared: { crc32: 1 } },
    ])
    const docs = project(pipelineOf("onBadMember: 'skip'"), { 'incoming/1.zip': bad })
    expect(await docs.run()).toMatchObject({ status: 'complete', tasks: [{ members: 1 }] })
    expect(docs.outputFiles()).toEqual(['extracted/_SUCCESS', 'extracted/a.txt'])
  })

  it('refuses to overwrite files that it did not write', async () => {
    const docs = project(pipelineOf(), { 'incoming/1.zip': first })
    mkdirSync(join(docs.out, 'extracted'), { recursive: true })
    writeFileSync(join(docs.out, 'extracted/a.txt'), 'mine')
    writeFileSync(join(docs.out, 'extracted/other.txt'), 'mine')
    expect(await docs.run()).toMatchObject({ status: 'failed', error: { code: 'OUTPUT_NOT_OURS' } })
    expect(read(docs, 'a.txt')).toBe('mine')
    expect(docs.outputFiles()).not.toContain('extracted/_SUCCESS')
  })
})
