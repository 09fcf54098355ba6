/** The asset as it is deployed: its handlers, threads and engine, in a process of their own with nothing of the repository. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { Account, pipelineText } from './account.ts'
import { executeAsset } from './asset-execution.ts'

// The asset is made in this process, of the sources.
vi.unmock('../../lib/bundle/entry-url.ts')

const month = '2001-01'
let account: Account
afterEach(() => account.close())

it('plans, processes over its threads and commits when bundled', async () => {
  account = await Account.open(
    pipelineText({ steps: '.mapRows(({ x, y }) => ({ x, y, z: x + y }), { adds: { z: column.int32() } })' }),
  )
  const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2730517\n' })
  const stdout = await executeAsset(account, 'points', event)
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.at(-1)).toEqual({ done: true })
  const metrics = lines.find(line => line._aws)
  expect(metrics).toMatchObject({ task: 'points', Rows: 1, Rejects: 0, Bytes: 14 })
  expect(Object.keys(metrics)).toEqual(expect.arrayContaining(['Speed', 'PeakMemory']))
  expect(lines.filter(line => line.message).map(line => line.message)).toEqual(['planned', 'processed', 'committed'])
  expect(stdout).not.toContain('2730517')
  expect(await account.rows(`points/${month}`)).toEqual([{ x: 1, y: 2730517, z: 2730518 }])
  expect(JSON.parse(await readFile(join(account.folder, 'output/points', month, '_SUCCESS'), 'utf8')).totals.rows).toBe(
    1,
  )
})
