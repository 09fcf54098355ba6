/** The asset as it is deployed: its handlers, threads and engine, in a process of their own with nothing of the repository. */

import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { writeLambdaAsset } from '../../lib/lambda/asset/asset.ts'
import { Account, pipelineText } from './account.ts'

const month = '2001-01'
let account: Account
afterEach(() => account.close())

it('plans, processes over its threads and commits when bundled', async () => {
  account = await Account.open(
    pipelineText({ steps: '.mapRows(({ x, y }) => ({ x, y, z: x + y }), { adds: { z: column.int32() } })' }),
  )
  const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2730517\n' })
  const asset = join(account.folder, 'lambda')
  await mkdir(asset)
  const handler = (name: string): string => fileURLToPath(new URL(`../../functions/${name}.ts`, import.meta.url))
  await writeLambdaAsset({
    entry: join(account.folder, 'pipeline.ts'),
    handlers: { plan: handler('plan'), process: handler('process'), commit: handler('commit') },
    codeHashes: { points: '0123456789abcdef' },
    outFolder: asset,
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
  })
  const script = join(account.folder, 'execution.mjs')
  await writeFile(script, executionScript)
  const { FANMILL_PIPELINE_URL: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(event)], {
    env: { ...env, LAMBDA_TASK_ROOT: asset, POWERTOOLS_LOG_LEVEL: 'INFO', POWERTOOLS_METRICS_DISABLED: 'false' },
  })
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

const executionScript = `
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
const handler = async name => (await import(join(process.env.LAMBDA_TASK_ROOT, name + '.mjs'))).handler
const context = { awsRequestId: 'one', getRemainingTimeInMillis: () => 600000 }
const own = { task: 'points', execution: 'one', waits: { count: 0, inRow: 0, max: 9 }, maxConcurrency: 100 }
const { run, planKey } = await (await handler('plan'))({ ...own, event: JSON.parse(process.argv[2]) }, context)
for (const item of JSON.parse(await readFile(join(process.env.FANMILL_OUTPUT, planKey), 'utf8')))
  await (await handler('process'))({ ...own, run, item, tier: 0 }, context)
console.log(JSON.stringify(await (await handler('commit'))({ ...own, run }, context)))
process.exit(0)
`
