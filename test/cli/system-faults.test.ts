import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PermanentError } from '../../lib/errors/errors.ts'
import { diskFault, systemFault } from '../../lib/store/disk/fault.ts'
import { fanmill, folderOf, mainFile } from './fanmill.ts'

const pipeline = `import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export default pipeline({ name: 'p', tasks: [
  task({ name: 't', source: files({ paths: '*.csv', format: csv() }), columns: { a: column.string() }, output: parquet({ path: 't' }) }),
] })
`
const folder = folderOf({ 'pipeline.ts': pipeline, 'in/a.csv': 'a\n1\n', 'empty/readme.txt': '' })

describe('a path of the wrong kind', () => {
  it.each([
    [
      'a folder in place of a pipeline',
      ['run', '.'],
      'expected a pipeline file, got the folder FOLDER; it holds FOLDER/pipeline.ts',
    ],
    [
      'a folder without any pipeline',
      ['tasks', 'empty'],
      'expected a pipeline file, got the folder FOLDER/empty, which holds none',
    ],
    [
      'data in place of a pipeline',
      ['plan', 'in/a.csv'],
      'expected a pipeline file, got FOLDER/in/a.csv, which ends in none of .ts, ',
    ],
    ['no pipeline file', ['run', 'nowhere.ts'], 'expected a pipeline file, found none at FOLDER/nowhere.ts'],
    [
      'an input folder that is not there',
      ['run', 'pipeline.ts', '--input', 'nowhere'],
      'USAGE input: expected a folder, there is none at FOLDER/nowhere',
    ],
    [
      'the same for plan',
      ['plan', 'pipeline.ts', '--input', 'nowhere'],
      'USAGE input: expected a folder, there is none at FOLDER/nowhere',
    ],
    [
      'a file as input folder',
      ['run', 'pipeline.ts', '--input', 'in/a.csv'],
      'USAGE input: expected a folder, got the file FOLDER/in/a.csv',
    ],
    [
      'an output below a file',
      ['run', 'pipeline.ts', '--input', 'in', '--output', 'in/a.csv/out'],
      'USAGE output: expected a folder at FOLDER/in/a.csv/out, got the file FOLDER/in/a.csv',
    ],
    [
      'a file in place of a dataset',
      ['head', 'in/a.csv'],
      'expected the folder of a dataset, got the file FOLDER/in/a.csv; no folder above it holds _SUCCESS; fanmill infer prints the columns of a file that is no part of a dataset',
    ],
  ] as const)('is named: %s', async (_, args, message) => {
    const { code, stderr } = await fanmill(args, { cwd: folder })
    expect(stderr.replaceAll(folder, 'FOLDER')).toContain(message)
    expect(code).not.toBe(0)
  })
})

describe('an error of the system', () => {
  const fault = (code: string, syscall: string, path: string): Error =>
    Object.assign(new Error(`${code}: words of the system, ${syscall} '${path}'`), { code, syscall, path, errno: -1 })

  it.each([
    ['EACCES', 'mkdir', 'cannot make the folder /data/out: permission denied; give this user the right to it (EACCES)'],
    ['EROFS', 'open', 'cannot open /data/out: the file system can only be read; choose another place (EROFS)'],
    [
      'ENOTDIR',
      'scandir',
      'cannot list /data/out: a file stands where a folder is expected; choose another path (ENOTDIR)',
    ],
    ['EIO', 'read', 'cannot read /data/out: EIO'],
  ])('%s has a message in plain words, with the path', (code, syscall, message) => {
    const translated = systemFault(fault(code, syscall, join('/', 'data', 'out')))
    expect(translated).toBeInstanceOf(PermanentError)
    expect(translated).toMatchObject({ code: 'STORE_FAILED', message })
  })

  it('without a path has a message in plain words', () => {
    const error = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
      errno: -1,
    })
    expect(systemFault(error)).toMatchObject({ message: 'cannot write a file: the disk is full; free some space' })
  })

  it('names a working directory that was removed', () => {
    const cwd = folderOf({ 'gone/.keep': '' })
    const script = `cd gone; rm -r ../gone; ${process.execPath} ${mainFile} run ../pipeline.ts`
    const { status, stderr } = spawnSync('sh', ['-c', script], { cwd, encoding: 'utf8' })
    expect(stderr).toBe('fanmill: DATASET_MISSING cannot find the working directory: there is no such file\n')
    expect(status).toBe(1)
  })

  it('keeps the key of the store that failed', () => {
    expect(diskFault(fault('EACCES', 'open', '/data/a.csv'), 'read', 'a.csv')).toMatchObject({
      code: 'STORE_FAILED',
      message: 'cannot read a.csv: permission denied; give this user the right to it (EACCES)',
    })
  })

  it('leaves other errors unchanged', () => {
    expect(systemFault(new Error('of a user'))).toBeUndefined()
  })
})

const mountsAlone = ['--map-root-user', '--mount', 'sh', '-c']
const canMount = spawnSync('unshare', [...mountsAlone, 'mount -t tmpfs tmpfs /mnt']).status === 0

describe.runIf(canMount)('a disk that is full', () => {
  const rows = (archive: number): string =>
    `k,n\n${Array.from({ length: 20_000 }, (_, n) => `${'ABCD'[n % 4]},${(n * 7919 + archive) % 1_000_003}\n`).join('')}`
  const files = Object.fromEntries([0, 1, 2, 3].map(archive => [`in/${archive}.csv`, rows(archive)]))
  const partitioned = pipeline
    .replace('a: column.string()', 'k: column.string(), n: column.int32()')
    .replace("path: 't'", "path: 't', partitionBy: ['k']")

  it.each(['100k', '300k'])('of %s ends the process with DISK_FULL and exit code 1, and nothing is committed', size => {
    const cwd = folderOf({ 'pipeline.ts': partitioned, 'out/.keep': '', ...files })
    const run = `${process.execPath} ${mainFile} run pipeline.ts --input in --output out/t --workers 2`
    const script = `mount -t tmpfs -o size=${size} tmpfs out; ${run}; code=$?; ls out/t/t >&2; exit $code`
    const { status, stderr } = spawnSync('unshare', [...mountsAlone, script], { cwd, encoding: 'utf8' })
    expect(stderr).toContain('DISK_FULL')
    expect(stderr).not.toMatch(/terminate|Native stack|_SUCCESS/)
    expect(status).toBe(1)
  })

  it('when the run begins ends it with DISK_FULL and the file that cannot be written', () => {
    const cwd = folderOf({ 'pipeline.ts': pipeline, 'out/.keep': '', 'in/a.csv': 'a\n1\n' })
    const run = `${process.execPath} ${mainFile} run pipeline.ts --input in --output out`
    const script = `mount -t tmpfs -o size=64k tmpfs out; cat /dev/zero >out/full; ${run}`
    const { status, stderr } = spawnSync('unshare', [...mountsAlone, script], { cwd, encoding: 'utf8' })
    expect(stderr).toMatch(
      /^fanmill: DISK_FULL cannot write \/.*\/out\/\.fanmill\/bundles\/pipeline-.*: the disk is full; free some space$/m,
    )
    expect(status).toBe(1)
  })
})
