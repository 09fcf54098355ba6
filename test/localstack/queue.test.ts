/** Many small uploads through a queue: few executions, each row once. */
import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import { buildZip } from '../zip-builder.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint } from './environment.ts'
import { executionsOf, upload } from './executions.ts'
import { lakeOf, rowsOf } from './lake.ts'

const archivesCount = 30
const months = [0, 1].map(at => `${1900 + Math.floor(Math.random() * 8000)}-0${at + 1}`)
const archives = Array.from({ length: archivesCount }, (_, archive) => archive)

describe.skipIf(!endpoint)('small uploads through a queue', () => {
  let queued: DeployedPipeline
  let lake: Store
  beforeAll(async () => {
    queued = (await deployment()).queued
    lake = lakeOf(queued.output)
  })

  const archivesIn = async (dataset: string): Promise<number[]> =>
    (await rowsOf(lake, dataset)).map(row => Number(row.archive)).sort((a, b) => a - b)

  it('start fewer executions than there are uploads, and write each row once', async () => {
    await Promise.all(
      months.flatMap(month =>
        archives.map(archive =>
          upload(queued, `incoming/${month}/${archive}.zip`, buildZip({ 'a.csv': `archive,row\n${archive},0\n` })),
        ),
      ),
    )
    await upload(queued, 'incoming/notes.txt', Buffer.from('starts nothing'))
    for (const dataset of months.flatMap(month => [`latest/${month}`, `ledger/${month}`])) {
      while ((await archivesIn(dataset)).length < archivesCount) await pause(1000)
      expect(await archivesIn(dataset)).toEqual(archives)
    }
    const executions = await executionsOf(queued)
    expect(executions.length).toBeGreaterThanOrEqual(months.length)
    expect(executions.length).toBeLessThan((archivesCount * months.length) / 2)
    for (const { name, input } of executions) {
      expect(name).toMatch(/^uploads-[\da-f]{16}$/)
      expect(input).not.toContain('notes.txt')
    }
  })
})
