/** `fanmill unzip` as a process: what it writes, refuses and prints. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildZip, type MemberSpec } from '../zip-builder.ts'
import { fanmill, folderOf } from './fanmill.ts'

const members = { 'a.csv': 'x\n1\n', 'deep/er/b.bin': new Uint8Array([0, 255, 1]), 'deep/empty': '' }

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

/** A folder with a.zip in it, extracted into `out`. */
async function unzip(zip: Buffer, args: readonly string[] = [], folder = folderOf({})) {
  writeFileSync(join(folder, 'a.zip'), zip)
  const done = await fanmill(['unzip', 'a.zip', 'out', ...args], { cwd: folder })
  return { ...done, folder, out: join(folder, 'out') }
}

describe('fanmill unzip', () => {
  it('extracts members of any kind, and writes _SUCCESS with their sizes', async () => {
    const { code, stdout, out } = await unzip(buildZip(members))
    expect(code).toBe(0)
    expect(stdout).toContain('3 files')
    expect(filesIn(out)).toEqual(['_SUCCESS', 'a.csv', 'deep/empty', 'deep/er/b.bin'])
    expect(readFileSync(join(out, 'deep/er/b.bin'))).toEqual(Buffer.from([0, 255, 1]))
    const { files, totals } = JSON.parse(readFileSync(join(out, '_SUCCESS'), 'utf8'))
    expect(files).toContainEqual({ path: 'a.csv', sizeBytes: 4, crc32: expect.any(Number), runId: expect.any(String) })
    expect(totals).toMatchObject({ members: 3, bytes: 7 })
  })

  it('extracts hidden files and those of macOS too, unless a glob is given', async () => {
    const hidden = buildZip({ ...members, '.hidden': 'h', 'd/.DS_Store': 's', '__MACOSX/._a.csv': 'm' })
    expect(filesIn((await unzip(hidden)).out)).toEqual([
      '.hidden',
      '_SUCCESS',
      '__MACOSX/._a.csv',
      'a.csv',
      'd/.DS_Store',
      'deep/empty',
      'deep/er/b.bin',
    ])
    expect(filesIn((await unzip(hidden, ['--members', '**/*'])).out)).toHaveLength(4)
  })

  it('extracts only members that match a glob', async () => {
    const { code, out } = await unzip(buildZip(members), ['--members', '**/*.csv'])
    expect(code).toBe(0)
    expect(filesIn(out)).toEqual(['_SUCCESS', 'a.csv'])
  })

  it('prints the counts on one line with --json', async () => {
    const { stdout } = await unzip(buildZip(members), ['--json'])
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({
      event: 'end',
      status: 'complete',
      files: 3,
      bytes: 7,
    })
  })

  it('refuses to overwrite files that it did not write, and changes nothing', async () => {
    const folder = folderOf({ 'out/a.csv': 'mine', 'out/other.txt': 'mine' })
    const { code, stderr, out } = await unzip(buildZip(members), [], folder)
    expect(code).toBe(1)
    expect(stderr).toContain('OUTPUT_NOT_OURS')
    expect(stderr).toContain('a.csv')
    expect(filesIn(out)).toEqual(['a.csv', 'other.txt'])
    expect(readFileSync(join(out, 'a.csv'), 'utf8')).toBe('mine')
  })

  it('leaves files of other names where they are', async () => {
    const folder = folderOf({ 'out/other.txt': 'mine' })
    const { code, out } = await unzip(buildZip(members), [], folder)
    expect(code).toBe(0)
    expect(readFileSync(join(out, 'other.txt'), 'utf8')).toBe('mine')
  })

  it('extracts again over what it extracted, and keeps what other archives left', async () => {
    const { folder } = await unzip(buildZip({ 'a.csv': 'old', 'kept.csv': 'kept' }))
    const { code, out } = await unzip(buildZip({ 'a.csv': 'new' }), [], folder)
    expect(code).toBe(0)
    expect(readFileSync(join(out, 'a.csv'), 'utf8')).toBe('new')
    const { files, generation } = JSON.parse(readFileSync(join(out, '_SUCCESS'), 'utf8'))
    expect(files.map((file: { path: string }) => file.path).sort()).toEqual(['a.csv', 'kept.csv'])
    expect(generation).toBe(2)
  })

  it('keeps files that it extracted from the same archive with another glob', async () => {
    const { folder } = await unzip(buildZip(members))
    const { code, out } = await unzip(buildZip(members), ['--members', '**/*.csv'], folder)
    expect(code).toBe(0)
    const { files } = JSON.parse(readFileSync(join(out, '_SUCCESS'), 'utf8'))
    expect(files.map((file: { path: string }) => file.path).sort()).toEqual(['a.csv', 'deep/empty', 'deep/er/b.bin'])
    expect((await unzip(buildZip(members), [], folder)).code).toBe(0)
  })

  it('leaves no _SUCCESS when a member is damaged, and can be called again', async () => {
    const bad: MemberSpec[] = [
      { name: 'good.csv', data: 'x' },
      { name: 'bad.csv', data: 'abc', declared: { crc32: 1 } },
    ]
    const first = await unzip(buildZip(bad))
    expect(first.code).toBe(1)
    expect(first.stderr).toContain('ZIP_CRC_MISMATCH')
    expect(existsSync(join(first.out, '_SUCCESS'))).toBe(false)
    expect(existsSync(join(first.out, 'bad.csv'))).toBe(false)
    const again = await unzip(buildZip(bad), [], first.folder)
    expect(again.stderr).toContain('ZIP_CRC_MISMATCH')
  })

  it.each([
    ['ZIP_UNSAFE_NAME', { name: '../evil.csv', data: 'x' }],
    ['ZIP_UNSAFE_NAME', { name: '_SUCCESS', data: '{}' }],
    ['ZIP_DUPLICATE_NAME', { name: 'A.csv', data: 'x' }],
    ['ZIP_ENCRYPTED', { name: 'secret.csv', data: 'x', encrypted: true }],
  ])('refuses with %s before it writes anything: %o', async (code, member) => {
    const { code: exit, stderr, out, folder } = await unzip(buildZip([{ name: 'a.csv', data: 'x' }, member]))
    expect(exit).toBe(1)
    expect(stderr).toContain(code)
    if (code !== 'ZIP_ENCRYPTED') expect(stderr).toContain(`--members '!${member.name}' leaves `)
    expect(existsSync(out)).toBe(false)
    expect(existsSync(join(folder, 'evil.csv'))).toBe(false)
  })

  it('leaves no state beside the files, not even after a refusal', async () => {
    const { folder, out } = await unzip(buildZip(members))
    writeFileSync(join(out, 'new.csv'), 'mine')
    expect((await unzip(buildZip({ 'new.csv': 'x' }), [], folder)).stderr).toContain('OUTPUT_NOT_OURS')
    expect(filesIn(out)).toEqual(['_SUCCESS', 'a.csv', 'deep/empty', 'deep/er/b.bin', 'new.csv'])
  })

  it('names the nearest member when none matches', async () => {
    const { code, stderr } = await unzip(buildZip(members), ['--members', '**/*.cvs'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/NO_INPUT.*a\.csv/)
  })

  it('fails with NO_INPUT and the name of an archive that does not exist', async () => {
    const { code, stderr } = await fanmill(['unzip', 'none.zip', 'out'], { cwd: folderOf({}) })
    expect(code).toBe(1)
    expect(stderr).toMatch(/NO_INPUT.*none\.zip/)
  })

  it('loads no engine', async () => {
    const folder = folderOf({ 'a.zip': buildZip(members) })
    const hook = join(folder, 'no-engine.mjs')
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module'
registerHooks({ resolve(name, context, next) { if (name.startsWith('@duckdb/')) throw new Error('loaded ' + name); return next(name, context) } })`,
    )
    const { code, stderr } = await fanmill(['unzip', 'a.zip', 'out'], {
      cwd: folder,
      env: { NODE_OPTIONS: `--import=${hook}` },
    })
    expect(stderr).toBe('')
    expect(code).toBe(0)
  })
})
