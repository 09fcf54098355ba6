/** Executions that wait for an output: first in Wait states, then as another execution with the same input. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  DescribeStateMachineCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'
import { beforeAll, describe, expect, it } from 'vitest'
import { enterTurn, leaveTurn } from '../../lib/runs/turn.ts'
import type { Store } from '../../lib/store/store.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint } from './environment.ts'
import { statesOf, upload } from './executions.ts'
import { lakeOf, rowsOf } from './lake.ts'
import { expectedVisits, visitsArchive } from './visit-data.ts'

const shop = `queue-${randomUUID().slice(0, 8)}`

describe.skipIf(!endpoint)('an execution whose output is taken', () => {
  let waiting: DeployedPipeline
  let lake: Store
  const client = () => new SFNClient({})
  beforeAll(async () => {
    waiting = (await deployment()).waiting
    lake = lakeOf(waiting.output)
  })

  /** Changes the deployed machine so that its branches have used up their waits after the first one. */
  async function impatientMachine(): Promise<string> {
    const { stateMachineArn } = waiting
    const { definition = '', roleArn } = await client().send(new DescribeStateMachineCommand({ stateMachineArn }))
    const impatient = definition.replaceAll(/"max":\d+/g, '"max":1')
    expect(impatient).not.toBe(definition)
    const made = { name: `impatient-${shop}`, roleArn, definition: impatient }
    return (await client().send(new CreateStateMachineCommand(made))).stateMachineArn ?? ''
  }

  async function endOf(executionArn: string) {
    for (;;) {
      const found = await client().send(new DescribeExecutionCommand({ executionArn }))
      if (found.status !== 'RUNNING') return found
      await pause(1000)
    }
  }

  it('waits in a Wait state, then starts one successor with its own input, which does the work', async () => {
    const stateMachineArn = await impatientMachine()
    const holder = { outputPath: `visits/${shop}`, id: 'holder' }
    const taken = await enterTurn(lake, { ...holder, wants: 'all', now: Date.now(), leaseMs: 600_000 })
    expect(taken.status).toBe('go')
    const input = JSON.stringify({ params: { shop } })
    const started = await client().send(new StartExecutionCommand({ stateMachineArn, input }))
    const first = await endOf(started.executionArn ?? '')
    expect({ status: first.status, cause: first.cause }).toEqual({ status: 'SUCCEEDED' })
    expect(await statesOf(first.executionArn ?? '')).toEqual([
      ...['begin task', 'task', 'visits: plan', 'visits: planned?', 'visits: wait', 'visits: plan', 'visits: planned?'],
      ...['visits: nothing to do', 'task complete?', 'continue', 'continued'],
    ])
    const { continuedBy } = JSON.parse(first.output ?? '{}')
    expect(continuedBy).toMatch(/:execution:impatient-.*:continued-[\da-f]{40}$/)
    await upload(waiting, `incoming/${shop}/day.zip`, visitsArchive())
    await leaveTurn(lake, holder)
    const second = await lastOf(continuedBy)
    expect(second).toMatchObject({ status: 'SUCCEEDED', input })
    expect(await rowsOf(lake, `visits/${shop}`)).toEqual(expectedVisits())
  })

  /** Follows successors, which may have successors themselves. */
  async function lastOf(executionArn: string): Promise<DescribeExecutionCommandOutput> {
    const end = await endOf(executionArn)
    const { continuedBy } = JSON.parse(end.output ?? '{}')
    return continuedBy ? lastOf(continuedBy) : end
  }
})
