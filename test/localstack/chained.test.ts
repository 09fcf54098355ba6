/** Deployed tasks that require each other: graphs of nodes in waves, ranges of parameters, failures, and edited code without a deployment. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openDataset } from '../../lib/datasets/dataset.ts'
import type { Store } from '../../lib/store/store.ts'
import { eventsOf, fanmill } from '../cli/fanmill.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint, environment } from './environment.ts'
import { executionsOf, startAndWait, statesOf } from './executions.ts'
import { jsonOf, keysOf, lakeOf, manifestOf, rowsOf } from './lake.ts'
import { martsArn, shops } from './their-app.ts'

describe.skipIf(!endpoint)('tasks that require each other', () => {
  let chained: DeployedPipeline
  let lake: Store
  let theirFolder: string

  beforeAll(async () => {
    ;({ chained, theirFolder } = await deployment())
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
      'marts(month=2024-01)': 'committed',
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

  it('sort all rows of several batches, in the order of the parts', async () => {
    const dataset = await openDataset(`s3://${chained.output}/sales/2024-01`)
    expect(dataset.manifest.order).toEqual({ columns: ['total', 'shop'], descending: ['total'] })
    const rows = (await Array.fromAsync(dataset.rows())).map(({ shop, total }) => ({
      shop: Number(shop),
      total: Number(total),
    }))
    const made = [1, 2, 3].flatMap(shop => Array.from({ length: 100 }, (_, sale) => ({ shop, total: shop * sale })))
    expect(rows).toEqual(made.toSorted((a, b) => b.total - a.total || a.shop - b.shop))
  })

  it('write to a path of the version of their code', async () => {
    const [key = ''] = (await keysOf(lake, 'large/2024-01/')).filter(name => name.endsWith('/_SUCCESS'))
    expect(key).toMatch(/^large\/2024-01\/[0-9a-z]+\/_SUCCESS$/)
    expect(await manifestOf(lake, 'large/2024-01')).toBeUndefined()
  })

  it('call another state machine, wait for its end, and find its target complete afterwards', async () => {
    expect(await jsonOf(lake, 'marts/2024-01/_SUCCESS')).toBe('2024-01')
    const calls = await executionsOf({ ...chained, stateMachineArn: martsArn })
    expect(calls.map(({ status, input = '{}' }) => [status, JSON.parse(input)])).toEqual([
      ['SUCCEEDED', expect.objectContaining({ month: '2024-01' })],
    ])
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
    const flags = (await keysOf(lake, 'large/1999-')).filter(name => name.endsWith('/_SUCCESS'))
    expect(flags.map(name => name.split('/')[1])).toEqual(['1999-10', '1999-11'])
    // Two waves: sales, and what reads those that are complete.
    expect((await statesOf(ended.arn)).filter(name => name === 'nodes')).toHaveLength(2)
  })

  it('run without the states of a graph where one task without requirements is named', async () => {
    const ended = await startAndWait(chained, { task: 'sales', params: { month: '2024-05' } })
    expect(ended).toMatchObject({ status: 'SUCCEEDED', tasks: [{ task: 'sales', status: 'complete' }] })
    expect(await statesOf(ended.arn)).not.toContain('graph')
  })

  it('run the edited code of a working tree and its libraries without a deployment, and the deployed code again after it', async () => {
    const start = (words: string) => {
      const place = ['--stack', chained.stack, '--pipeline', 'Chained', '--wait', '--json']
      return fanmill(['start', ...words.split(' '), ...place], { cwd: theirFolder, env: environment })
    }
    const totalsOf = async () =>
      (await rowsOf(lake, 'doubled/2024-03')).map(({ total }) => Number(total)).sort((a, b) => a - b)
    const totals = [1, 2, 3].flatMap(shop => Array.from({ length: 100 }, (_, sale) => shop * sale))
    const large = totals.filter(total => total >= 150).sort((a, b) => a - b)
    expect(eventsOf(await start('doubled --param month=2024-03')).end).toMatchObject({ status: 'complete' })
    expect(await totalsOf()).toEqual(large.map(total => 2 * total))

    const edited = `import { times } from './times.ts'\n${shops}`.replace(
      '2 * total as total from input`',
      'total from input`.mapRows(({ shop, total }) => ({ shop, total: times(total) }))',
    )
    await writeFile(join(theirFolder, 'pipelines/shops-edited.ts'), edited)
    for (const factor of [5, 7]) {
      await writeFile(
        join(theirFolder, 'pipelines/times.ts'),
        `export const times = (total: number): number => ${factor} * total\n`,
      )
      const shipped = await start('doubled --param month=2024-03 --ship pipelines/shops-edited.ts')
      expect(eventsOf(shipped).end).toMatchObject({
        status: 'complete',
        tasks: [
          { task: 'sales', status: 'skipped' },
          { task: 'large', status: 'skipped' },
          { task: 'doubled', status: 'complete' },
        ],
      })
      expect(await totalsOf()).toEqual(large.map(total => factor * total))
    }

    expect(eventsOf(await start('doubled --param month=2024-03')).end).toMatchObject({ status: 'complete' })
    expect(await totalsOf()).toEqual(large.map(total => 2 * total))
    // Without a path, the file that was deployed: it has not changed.
    expect(eventsOf(await start('doubled --param month=2024-03 --ship')).end).toMatchObject({ status: 'skipped' })
  })
})
