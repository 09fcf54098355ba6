/** Files that readers find in a dataset's folder while a run is under way, and after it failed or was killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import { buildZip } from '../zip-builder.ts'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const pipeline = (output: string, columns: string) => `
import { column, csv, memberFiles, parquet, pipeline, task, zipMembers } from 'fanmill'
export const t = task({
  name: 't',
  source: zipMembers({ paths: '*.zip', ${columns === '' ? '' : 'format: csv()'} }),
  ${columns}
  output: ${output},
})
export default pipeline({ name: 't', tasks: [t] })
`

const outputs = [
  ['one folder', `parquet({ path: 't' })`, 'columns: { x: column.int32(), y: column.string() },'],
  ['partitions', `parquet({ path: 't', partitionBy: ['y'] })`, 'columns: { x: column.int32(), y: column.string() },'],
  ['extracted members', `memberFiles({ path: 't' })`, ''],
] as const

const archive = (first: number, text = '') => buildZip({ [`${first}.csv`]: `x,y\n${first},a\n${first + 1},b\n${text}` })

/** Every name in the dataset's folder, as `ls -R` gives it, hidden files included. */
const namesIn = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()

/** Runs in a process of its own, which waits after its first batch was written, and is then killed or goes on to commit. */
async function runWatched(
  folder: string,
  then: 'kill' | 'goOn',
  look: () => void | Promise<void>,
): Promise<number | null> {
  const url = (path: string) => JSON.stringify(new URL(`../../lib/${path}`, import.meta.url).href)
  const script = join(folder, 'main.mjs')
  writeFileSync(
    script,
    `import { existsSync } from 'node:fs'
import { runSession } from ${url('local/run.ts')}
import { openSession } from ${url('local/session.ts')}
const stop = new Int32Array(new SharedArrayBuffer(4))
const onEvent = ({ event }) => { if (event === 'batch') { console.log(event); while (!existsSync('goOn')) Atomics.wait(stop, 0, 0, 20) } }
await runSession(await openSession('pipeline.ts', { input: '.', output: 'out', workers: 2, onEvent }, { groupBytes: 8 }))`,
  )
  const child = spawn(process.execPath, [script], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const exit = once(child, 'exit')
  try {
    await look()
    if (then === 'goOn') writeFileSync(join(folder, 'goOn'), '')
    else child.kill('SIGKILL')
    return (await exit)[0]
  } finally {
    child.kill('SIGKILL')
  }
}

describe.each(outputs)('an output of %s', (_, output, columns) => {
  it('holds nothing that is not committed while a run works on it, and after that run was killed', async () => {
    const some = project(pipeline(output, columns), { '1.zip': archive(1) })
    await some.run()
    const before = namesIn(join(some.out, 't'))
    expect(before).toContain('_SUCCESS')
    some.write({ '2.zip': archive(3), '3.zip': archive(5) })
    let during: string[] = []
    await runWatched(some.folder, 'kill', () => {
      during = namesIn(join(some.out, 't'))
    })
    expect(during).toEqual(before)
    expect(namesIn(join(some.out, 't'))).toEqual(before)
    const pending = namesIn(join(some.out, '.fanmill/pending')).filter(name => name.includes('.'))
    expect(pending.length).toBeGreaterThan(0)

    // Killed a moment earlier, a thread has a folder for its part and no part yet.
    const [folder = ''] = namesIn(join(some.out, '.fanmill/pending')).filter(name => name.split('/').length === 3)
    mkdirSync(join(some.out, '.fanmill/pending', folder, 't/another/folder'), { recursive: true })
    const files = [...pending, `${folder}/t/another/folder/`].map(name => `.fanmill/pending/${name}`)
    const dry = await fanmill.clean({ output: some.out, dryRun: true })
    expect(dry.removed.map(({ key }) => key)).toEqual(expect.arrayContaining(files))
    for (const { key, bytes } of dry.removed)
      if (!key.endsWith('/')) expect(statSync(join(some.out, key)).size).toBe(bytes)
    expect(await fanmill.clean({ output: some.out })).toEqual(dry)
    expect(existsSync(join(some.out, '.fanmill/pending'))).toBe(false)
    expect(readdirSync(join(some.out, '.fanmill/tmp'))).toEqual([])

    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect((await fanmill.status({ output: some.out })).status).toBe('complete')
    expect(existsSync(join(some.out, '.fanmill/pending'))).toBe(false)
  })
})

const typed = pipeline(outputs[0][1], outputs[0][2])

describe('a run under way, and clean under a clock', () => {
  const days30 = 30 * 86_400_000
  const goOn = async (clean: (some: ReturnType<typeof project>) => Promise<void>): Promise<void> => {
    const some = project(typed, { '1.zip': archive(1), '2.zip': archive(3), '3.zip': archive(5) })
    const code = await runWatched(some.folder, 'goOn', async () => {
      // Killed a moment earlier, a thread has a folder for its part and no part yet.
      const [folder = ''] = namesIn(join(some.out, '.fanmill/pending')).filter(name => name.split('/').length === 3)
      mkdirSync(join(some.out, '.fanmill/pending', folder, 'another'))
      await clean(some)
    })
    expect(code).toBe(0)
    expect((await fanmill.runs({ output: some.out })).map(({ status }) => status)).toEqual(['complete'])
    expect((await some.rows()).map(({ x }) => x).sort()).toEqual([1, 2, 3, 4, 5, 6])
  }

  it.each([undefined, 0])('of its process that is 30 days ahead lose nothing (%s days)', olderThanDays =>
    goOn(async ({ out }) => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days30 })
      const cleaned = await fanmill.clean({ output: out, olderThanDays }).finally(() => vi.useRealTimers())
      expect(cleaned).toEqual({ removed: [], damaged: [] })
    }),
  )

  it.each([undefined, 0])('that was set 30 days ahead meanwhile lose nothing (%s days)', olderThanDays =>
    goOn(async ({ out }) => {
      for (const name of namesIn(join(out, '.fanmill'))) {
        const file = join(out, '.fanmill', name)
        if (name.endsWith('/run.json') || name.endsWith('/lease.json')) {
          const state = JSON.parse(readFileSync(file, 'utf8'))
          state.leaseUntil -= days30
          if (state.startedAt) state.startedAt = new Date(Date.parse(state.startedAt) - days30).toISOString()
          writeFileSync(file, JSON.stringify(state))
        }
        utimesSync(file, (Date.now() - days30) / 1000, (Date.now() - days30) / 1000)
      }
      expect((await fanmill.runs({ output: out })).map(({ status }) => status)).toEqual(['running'])
      expect(await fanmill.clean({ output: out, olderThanDays })).toEqual({ removed: [], damaged: [] })
    }),
  )
})

describe('a run that fails', () => {
  it.each([{}, { force: true }])(
    'leaves the folder as it was, and what it left goes with clean (%o)',
    async options => {
      const some = project(typed, { '1.zip': archive(1) })
      await some.run()
      const before = namesIn(join(some.out, 't'))
      some.write({ '2.zip': archive(3, 'bad,c\n') })
      expect(await some.run(options)).toMatchObject({ status: 'failed', error: { code: 'REJECTS_OVER_LIMIT' } })
      expect(namesIn(join(some.out, 't'))).toEqual(before)
      const { removed } = await fanmill.clean({ output: some.out })
      expect(removed.map(({ key }) => key)).toEqual([
        expect.stringMatching(/^\.fanmill\/pending\/[0-9a-f]{16}\/1\/\w+\/t\/part-/),
      ])
      expect((await fanmill.status({ output: some.out })).status).toBe('failed')
      expect(await some.run({ ...options, rejectsMax: 1 })).toMatchObject({
        status: 'complete',
        tasks: [{ rowsWritten: 4 }],
      })
    },
  )

  it('keeps what it left when clean is given an age, so that it can be continued', async () => {
    const some = project(typed, { '1.zip': archive(1, 'bad,c\n') })
    await some.run()
    expect((await fanmill.clean({ output: some.out, olderThanDays: 1 })).removed).toEqual([])
    expect(
      (await fanmill.clean({ output: some.out, olderThanDays: 0, dryRun: true })).removed.map(({ key }) => key),
    ).toEqual(expect.arrayContaining([expect.stringMatching(/^\.fanmill\/pending\//)]))
  })
})

it('removes pending parts that older versions kept in the folder of a dataset, and no other files of such names', async () => {
  const some = project(typed, { '1.zip': archive(1) })
  await some.run()
  const before = namesIn(join(some.out, 't'))
  const older = 't/part-0-0-0123456789abcdef-1.parquet.pending-0a1b2c3d0'
  some.write({ [`out/${older}`]: 'rows', 'out/other/report.pending-review': 'mine' })
  expect((await fanmill.clean({ output: some.out })).removed).toEqual([])
  const { removed } = await fanmill.clean({ output: some.out, olderThanDays: 0 })
  expect(removed).toContainEqual({ key: older, bytes: 4 })
  expect(namesIn(join(some.out, 't'))).toEqual(before)
  expect(existsSync(join(some.out, 'other/report.pending-review'))).toBe(true)
})

describe.skipIf(!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync('.').dev)(
  'a folder on another file system',
  () => {
    it.each(['t', 't/y=a'])('is refused with its name before anything is read: %s', async name => {
      const other = await mkdtemp('/dev/shm/fanmill-other-')
      try {
        const some = project(typed, { '1.zip': 'this is no archive' })
        mkdirSync(join(some.out, name, '..'), { recursive: true })
        symlinkSync(other, join(some.out, name))
        await expect(some.run()).rejects.toMatchObject({
          code: 'OUTPUT_OTHER_FILE_SYSTEM',
          message: expect.stringContaining(join(some.out, name)),
        })
      } finally {
        await rm(other, { recursive: true, force: true })
      }
    })
  },
)
