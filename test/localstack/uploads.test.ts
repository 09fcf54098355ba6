/** Uploads start executions by the rule of a deployed stack; each runs two tasks at the same time, one that replaces and one that appends. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import { buildZip } from '../zip-builder.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint } from './environment.ts'
import { endsOf, executionsOf, startAndWait, upload, uploadAndWait } from './executions.ts'
import { variablesOf } from './functions.ts'
import { keysOf, lakeOf, manifestOf, openUploads, recordsOf, rowsOf } from './lake.ts'
import { secretName } from './their-app.ts'

const archivesCount = 50
/** Names of this run of the tests: a given instance may have keys of earlier ones. */
const year = 1900 + Math.floor(Math.random() * 8000)
const month = `${year}-06`
const keyOf = (archive: number): string => `incoming/${month}/${archive}.zip`
const archiveOf = (archive: number): Buffer => buildZip({ 'a.csv': `archive,row\n${archive},0\n${archive},1\n` })
const tasks = ['latest', 'ledger'] as const

describe.skipIf(!endpoint)('uploads', () => {
  let uploads: DeployedPipeline
  let lake: Store

  beforeAll(async () => {
    uploads = (await deployment()).uploads
    lake = lakeOf(uploads.output)
  })

  const recordsOfMonth = async (task: string) =>
    (await recordsOf(lake, task)).filter(({ params }) => params.month === month)

  it('start no execution when the wildcard of the trigger does not match, and no run when only its template does not match', async () => {
    const keptOut = ['elsewhere/1.zip', `incoming/${month}/1.txt`]
    for (const key of keptOut) await upload(uploads, key, archiveOf(1))
    // The wildcard is incoming/*/*.zip, which does not know what a month is.
    const ignored = await uploadAndWait(uploads, `incoming/lately-${month}/1.zip`, archiveOf(1))
    expect(ignored).toMatchObject({ status: 'SUCCEEDED', tasks: [] })
    await expectNoneStartedBy(keptOut)
    for (const task of tasks) expect(await recordsOfMonth(task)).toEqual([])

    const matching = await uploadAndWait(uploads, `incoming/${year}-07/1.zip`, archiveOf(1))
    expect(matching.tasks.map(task => task.status)).toEqual(['committed', 'committed'])
    await expectNoneStartedBy(keptOut)
  })

  async function expectNoneStartedBy(keys: readonly string[]): Promise<void> {
    const started = (await executionsOf(uploads)).map(({ input = '{}' }) => JSON.parse(input).detail?.object?.key)
    expect(started).not.toEqual([])
    expect(started.filter(key => keys.includes(key))).toEqual([])
  }

  it('of fifty archives at once write each row once, and process no archive more than twice', async () => {
    const archives = Array.from({ length: archivesCount }, (_, archive) => archive)
    await Promise.all(archives.map(archive => upload(uploads, keyOf(archive), archiveOf(archive))))
    const ends = await endsOf(uploads, archives.map(keyOf))
    expect(ends.filter(({ status }) => status !== 'SUCCEEDED')).toEqual([])
    const expected = archives.flatMap(archive => [
      { archive, row: 0 },
      { archive, row: 1 },
    ])
    for (const task of tasks) {
      const rows = (await rowsOf(lake, `${task}/${month}`)) as { archive: number; row: number }[]
      expect(rows.toSorted((a, b) => a.archive - b.archive || a.row - b.row)).toEqual(expected)
      const times = new Map<string, number>()
      for (const { inputs } of await recordsOfMonth(task))
        for (const { key } of inputs) times.set(key, (times.get(key) ?? 0) + 1)
      expect(times.size).toBe(archivesCount)
      expect(Math.max(...times.values()), task).toBeLessThanOrEqual(task === 'ledger' ? 1 : 2)
    }
    expect(await openUploads(uploads.output)).toEqual([])
  })

  it('find a secret of the app by its ARN, whatever its name', async () => {
    const variables = await variablesOf(uploads, 'Process1')
    expect(JSON.parse(variables.FANMILL_SECRETS ?? '{}')).toEqual({
      [secretName]: expect.stringMatching(/^arn:aws:secretsmanager:[\w:-]+:secret:(?!uploads)/),
    })
    // The setup of the tasks throws without it.
    for (const task of tasks) expect((await manifestOf(lake, `${task}/${month}`))?.totals.rows).toBe(2 * archivesCount)
  })

  it('of the same event, or of the same content, are one run', async () => {
    const before = await stateOf()
    const first = (await executionsOf(uploads)).find(({ input }) => input?.includes(keyOf(7)))
    const delivered = await startAndWait(uploads, JSON.parse(first?.input ?? ''))
    const again = await uploadAndWait(uploads, keyOf(7), archiveOf(7))
    for (const { status, tasks } of [delivered, again]) {
      expect(status).toBe('SUCCEEDED')
      expect(tasks.map(task => task.status)).toEqual(['complete', 'complete'])
    }
    expect(await stateOf()).toEqual(before)
  })

  /** Returns the state that a run would change. */
  const stateOf = async () => ({
    runs: (await keysOf(lake, '.fanmill/runs/')).filter(key => key.endsWith('/run.json')),
    manifests: await Promise.all(tasks.map(task => manifestOf(lake, `${task}/${month}`))),
  })
})
