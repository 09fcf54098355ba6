/** Runs the asset as it is deployed: its handlers, threads and engine, in a process of their own with nothing of the repository. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { writeLambdaAsset } from '../../lib/lambda/asset/asset.ts'
import type { Account } from './account.ts'

/** Plans, processes and commits the task once for the event, and returns what the handlers print, a line each. */
export async function executeAsset({ folder }: Account, task: string, event: object): Promise<string> {
  const asset = join(folder, 'lambda')
  await mkdir(asset)
  const handler = (name: string): string => fileURLToPath(new URL(`../../functions/${name}.ts`, import.meta.url))
  await writeLambdaAsset({
    entry: join(folder, 'pipeline.ts'),
    handlers: { plan: handler('plan'), process: handler('process'), commit: handler('commit') },
    codeHashes: { [task]: '0123456789abcdef' },
    outFolder: asset,
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
  })
  const script = join(folder, 'execution.mjs')
  await writeFile(script, executionScript)
  const { FANMILL_PIPELINE_URL: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, [script, task, JSON.stringify(event)], {
    env: { ...env, LAMBDA_TASK_ROOT: asset, POWERTOOLS_LOG_LEVEL: 'INFO', POWERTOOLS_METRICS_DISABLED: 'false' },
  })
  return stdout
}

const executionScript = `
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
const handler = async name => (await import(join(process.env.LAMBDA_TASK_ROOT, name + '.mjs'))).handler
const context = { awsRequestId: 'one', getRemainingTimeInMillis: () => 600000 }
const own = { task: process.argv[2], execution: 'one', waits: { count: 0, inRow: 0, max: 9 }, maxConcurrency: 100 }
const { run, planKey } = await (await handler('plan'))({ ...own, event: JSON.parse(process.argv[3]) }, context)
for (const item of JSON.parse(await readFile(join(process.env.FANMILL_OUTPUT, planKey), 'utf8')))
  await (await handler('process'))({ ...own, run, item, tier: 0 }, context)
console.log(JSON.stringify(await (await handler('commit'))({ ...own, run }, context)))
process.exit(0)
`
