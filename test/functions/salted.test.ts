/** Outputs whose paths move with the code, on the functions of a deployed pipeline. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { handler } from '../../functions/graph.ts'
import { shortName } from '../../lib/lambda/session.ts'
import { showGraph } from '../../lib/local/plans/show-graph.ts'
import { noWaits } from '../../lib/model/waits.ts'
import { saltedInput, saltedPipeline } from '../local/salted-pipeline.ts'
import { Account, context } from './account.ts'
import { walk } from './graphs.ts'

let account: Account
beforeAll(async () => {
  account = await Account.open(saltedPipeline())
  for (const [name, content] of Object.entries(saltedInput)) await account.write(`input/${name}`, content)
})
afterAll(() => account.close())

/** Path of the salted dataset below the output, as a laptop with the same files names it. */
const pathHere = async (): Promise<string> => {
  const output = join(account.folder, 'output')
  const options = { input: join(account.folder, 'input'), output, ...event }
  const { nodes } = await showGraph(join(account.folder, 'pipeline.ts'), options)
  return nodes.find(({ task }) => task === 'totals')?.output.slice(output.length + 1) ?? ''
}
const event = { task: 'top', params: { year: 2024 } }

describe('a salted output on the functions', () => {
  it('has the path that it has on a laptop', async () => {
    expect(await walk(account, event)).toMatchObject({ answer: { status: 'complete', counts: { complete: 3 } } })
    const path = await pathHere()
    expect(path).toMatch(/^totals\/2024\/[0-9a-f]{10}$/)
    expect(await account.rows(path)).toEqual([{ total: 6 }])
    expect(await account.rows('top/2024')).toEqual([{ total: 6 }])
  })

  it('moves with the deployed code, and is complete again under the code of then', async () => {
    const before = await pathHere()
    await account.deploy(saltedPipeline({ factor: 10 }))
    expect((await walk(account, event)).answer).toMatchObject({ counts: { skipped: 1, complete: 2 } })
    expect(await account.rows('top/2024')).toEqual([{ total: 60 }])
    expect(await account.rows(await pathHere())).toEqual([{ total: 60 }])
    expect(await account.rows(before)).toEqual([{ total: 6 }])
    await account.deploy(saltedPipeline())
    expect((await walk(account, event)).answer).toMatchObject({ counts: { skipped: 2, complete: 1 } })
    expect(await account.rows('top/2024')).toEqual([{ total: 6 }])
  })

  it('is not written by other code that is deployed after its graph was resolved', async () => {
    await account.deploy(saltedPipeline({ factor: 2 }))
    const execution = 'arn:redeployed'
    const step = { execution, event, step: 0, waits: noWaits(1), maxConcurrency: 100, nodeConcurrency: 20 }
    await handler(step, context(900))
    await account.deploy(saltedPipeline({ factor: 3 }))
    const node = { graph: shortName(execution), step: 1, key: 'totals(year=2024)' }
    const planned = (): Promise<unknown> => account.planNode({ task: 'totals', execution, node })
    // Plan is called again by the state machine, and goes on where a deployment has reached Graph before it.
    await expect(planned()).rejects.toMatchObject({
      ...{ name: 'TransientError', code: 'RUN_CHANGED' },
      message: expect.stringContaining('the pipeline was deployed meanwhile; start it again'),
    })
    await account.deploy(saltedPipeline({ factor: 2 }))
    expect(await planned()).toMatchObject({ status: 'planned', task: 'totals' })
  })
})
