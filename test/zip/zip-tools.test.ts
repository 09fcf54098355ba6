/** Archives of other programs. A tool that is not installed is reported by a skipped test that names it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readZip } from '../read-zip.ts'
import { buildZip } from '../zip-builder.ts'

const files = {
  '2001/01/SEA.csv': 'station,flights\nSEA,12\n'.repeat(500),
  '2001/02/SEA.csv': 'station,flights\nSEA,7\n',
  'empty.csv': '',
  'naïve – 日本.csv': 'x\n1\n',
}
const expected = Object.entries(files).sort()

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zip-tools-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, 'tree', name)), { recursive: true })
    writeFileSync(join(folder, 'tree', name), text)
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs in the folder of the files; the archive is `../name`. */
async function made(
  name: string,
  command: string,
  args: readonly string[],
  input?: string,
): Promise<[string, string][]> {
  execFileSync(command, args, {
    cwd: join(folder, 'tree'),
    stdio: ['pipe', 'ignore', 'inherit'],
    ...(input && { input }),
  })
  return (await readZip(readFileSync(join(folder, name)))).sort()
}

function tool(...commands: readonly string[]): { readonly command: string; readonly isMissing: boolean } {
  const command = commands.find(each => spawnSync(each, ['--help'], { stdio: 'ignore' }).error === undefined)
  if (command === undefined)
    process.stderr.write(`not installed, its archives are not tested: ${commands.join(', ')}\n`)
  return { command: command ?? '', isMissing: command === undefined }
}

const zip = tool('zip')
describe.skipIf(zip.isMissing)('Info-ZIP (zip)', () => {
  const utf8 = ['-q', '-r', '-UN=UTF8']

  it('is read deflated', async () => {
    expect(await made('a.zip', zip.command, [...utf8, '../a.zip', '.'])).toEqual(expected)
  })

  it('is read stored', async () => {
    expect(await made('b.zip', zip.command, ['-q', '-r', '-0', '../b.zip', '.'])).toEqual(expected)
  })

  it('is read with zip64 forced and a comment', async () => {
    const args = [...utf8, '-fz', '-z', '../c.zip', '.']
    expect(await made('c.zip', zip.command, args, 'a comment\n.\n')).toEqual(expected)
  })

  it('is read with data descriptors, as streaming writers create them', async () => {
    const script = `${zip.command} -q -r -UN=UTF8 - . | cat > ../d.zip`
    expect(await made('d.zip', 'sh', ['-c', script])).toEqual(expected)
  })

  it('is read behind a self-extractor stub, with original and with adjusted offsets', async () => {
    const script = `${zip.command} ${utf8.join(' ')} ../e0.zip . && (head -c 3000 /dev/zero; cat ../e0.zip) > ../e.zip`
    expect(await made('e.zip', 'sh', ['-c', script])).toEqual(expected)
    expect(await made('f.zip', 'sh', ['-c', `cp ../e.zip ../f.zip && ${zip.command} -q -A ../f.zip`])).toEqual(expected)
  })

  it('is refused when it is encrypted', async () => {
    const making = made('g.zip', zip.command, ['-q', '-r', '-P', 'secret', '../g.zip', '.'])
    await expect(making).rejects.toMatchObject({ code: 'ZIP_ENCRYPTED' })
  })
})

const python = tool('python3')
describe.skipIf(python.isMissing)('Python (zipfile)', () => {
  const program = (mode: string) => `
import os, sys, zipfile
method, path = getattr(zipfile, sys.argv[1]), sys.argv[2]
if ${mode === 'append' ? 'True' : 'False'}:
    open(path, 'wb').write(b'stub' * 1000)
with zipfile.ZipFile(path, 'a', method) as archive:
    for folder, _, names in os.walk('.'):
        for name in names:
            ${mode === 'stream' ? "with archive.open(os.path.relpath(os.path.join(folder, name)), 'w', force_zip64=True) as member: member.write(open(os.path.join(folder, name), 'rb').read())" : 'archive.write(os.path.join(folder, name))'}
`

  it.each(['ZIP_STORED', 'ZIP_DEFLATED'])('is read as %s', async method => {
    const name = `python-${method}.zip`
    expect(await made(name, python.command, ['-c', program('write'), method, `../${name}`])).toEqual(expected)
  })

  it('is read with zip64 forced', async () => {
    const args = ['-c', program('stream'), 'ZIP_DEFLATED', '../python-64.zip']
    expect(await made('python-64.zip', python.command, args)).toEqual(expected)
  })

  it('is read appended to another file', async () => {
    const args = ['-c', program('append'), 'ZIP_DEFLATED', '../python-append.zip']
    expect(await made('python-append.zip', python.command, args)).toEqual(expected)
  })

  it.each(['ZIP_BZIP2', 'ZIP_LZMA'])('is refused as %s', async method => {
    const name = `python-${method}.zip`
    const making = made(name, python.command, ['-c', program('write'), method, `../${name}`])
    await expect(making).rejects.toMatchObject({ code: 'ZIP_METHOD_UNSUPPORTED' })
  })

  it('reads the archives that the builder of these tests creates', () => {
    const path = join(folder, 'built.zip')
    writeFileSync(path, buildZip(Object.entries(files).map(([name, data]) => ({ name, data, zip64: true }))))
    const names =
      'import sys, zipfile; a = zipfile.ZipFile(sys.argv[1]); assert a.testzip() is None; print(len(a.namelist()))'
    expect(execFileSync(python.command, ['-c', names, path], { encoding: 'utf8' }).trim()).toBe('4')
  })
})

const sevenZip = tool('7z', '7zz', '7za')
describe.skipIf(sevenZip.isMissing)('7-Zip (7z)', () => {
  it('is read deflated', async () => {
    expect(await made('seven.zip', sevenZip.command, ['a', '-tzip', '../seven.zip', '.'])).toEqual(expected)
  })

  it('is refused as Deflate64', async () => {
    const making = made('seven64.zip', sevenZip.command, ['a', '-tzip', '-mm=Deflate64', '../seven64.zip', '.'])
    await expect(making).rejects.toMatchObject({ code: 'ZIP_METHOD_UNSUPPORTED' })
  })
})
