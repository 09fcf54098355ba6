/** Deployed tasks that require each other: graphs of nodes in waves, ranges of parameters, failures and edited steps. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint } from './environment.ts'
import { startAndWait, statesOf } from './executions.ts'
import { lakeOf, manifestOf, rowsOf } from './lake.ts'

describe.skipIf(!endpoint)('tasks that require each other', () => {
  let chained: DeployedPipeline
  let lake: Store

  beforeAll(async () => {
    ;({ chained } = await deployment())
    lake = lakeOf(chained.output)
  })

  const statusesOf = ({ tasks }: Awaited<ReturnType<typeof startAndWait>>) =>
    Object.fromEntries(tasks.map(({ node = '', status }) => [node, status]))

  it('run one after another, each over all rows of the one before, and not again without a change', async () => {
    const event = { params: { month: '2024-01' } }
    const first = await startAndWait(chained, event)
    expect(first).toMatchObject({ status: 'SUCCEEDED' })
    expect(statusesOf(first)).toEqual({
      'sales(month=2024-01)': 'committed',
      'large(month=2024-01)': 'committed',
      'doubled(month=2024-01)': 'committed',
    })
    const rows = await rowsOf(lake, 'doubled/2024-01')
    const totals = [1, 2, 3].flatMap(shop => Array.from({ length: 100 }, (_, sale) => shop * sale))
    const expected = totals.filter(total => total >= 150).map(total => 2 * total)
    expect(rows.map(({ total }) => Number(total)).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b))
    const before = await manifestOf(lake, 'doubled/2024-01')
    const again = await startAndWait(chained, event)
    expect(new Set(Object.values(statusesOf(again)))).toEqual(new Set(['complete']))
    expect(await manifestOf(lake, 'doubled/2024-01')).toEqual(before)
  })

  it('run the months of a range side by side, and leave the siblings of a failed one complete', async () => {
    const ended = await startAndWait(chained, { task: 'large', params: { month: '1999-10..1999-12' } })
    expect(ended).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('the shop is closed') })
    expect(statusesOf(ended)).toEqual({
      'sales(month=1999-10)': 'committed',
      'sales(month=1999-11)': 'committed',
      'sales(month=1999-12)': 'failed',
      'large(month=1999-10)': 'committed',
      'large(month=1999-11)': 'committed',
      'large(month=1999-12)': 'notRun',
    })
    for (const month of ['1999-10', '1999-11']) expect(await manifestOf(lake, `large/${month}`)).toBeDefined()
    expect(await manifestOf(lake, 'large/1999-12')).toBeUndefined()
    // Two waves: sales, and what reads those that are complete.
    expect((await statesOf(ended.arn)).filter(name => name === 'nodes')).toHaveLength(2)
  })

  it('run without the states of a graph where one task without requirements is named', async () => {
    const ended = await startAndWait(chained, { task: 'sales', params: { month: '2024-05' } })
    expect(ended).toMatchObject({ status: 'SUCCEEDED', tasks: [{ task: 'sales', status: 'complete' }] })
    expect(await statesOf(ended.arn)).not.toContain('graph')
  })
})
