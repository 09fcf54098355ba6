/** Deployed tasks that read what other tasks of the pipeline have written. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint } from './environment.ts'
import { startAndWait } from './executions.ts'
import { lakeOf, manifestOf, rowsOf } from './lake.ts'

describe.skipIf(!endpoint)('tasks in a row', () => {
  let chained: DeployedPipeline
  let lake: Store

  beforeAll(async () => {
    ;({ chained } = await deployment())
    lake = lakeOf(chained.output)
  })

  it('run one after another, each over all rows of the one before, and not again without a change', async () => {
    const event = { params: { month: '2024-01' } }
    expect(await startAndWait(chained, event)).toMatchObject({ status: 'SUCCEEDED' })
    const rows = await rowsOf(lake, 'doubled/2024-01')
    const totals = [1, 2, 3].flatMap(shop => Array.from({ length: 100 }, (_, sale) => shop * sale))
    const expected = totals.filter(total => total >= 150).map(total => 2 * total)
    expect(rows.map(({ total }) => Number(total)).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b))
    const before = await manifestOf(lake, 'doubled/2024-01')
    expect(await startAndWait(chained, event)).toMatchObject({ status: 'SUCCEEDED' })
    expect(await manifestOf(lake, 'doubled/2024-01')).toEqual(before)
  })

  it('leave what depends on a failed one as it was', async () => {
    const ended = await startAndWait(chained, { params: { month: '1999-12' } })
    expect(ended).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('SOURCE_FAILED') })
    expect(await manifestOf(lake, 'large/1999-12')).toBeUndefined()
    expect(await manifestOf(lake, 'doubled/1999-12')).toBeUndefined()
  })
})
