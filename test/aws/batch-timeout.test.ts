import { describe, expect, it } from 'vitest'
import { batchTimeout } from '../../lib/aws/batch-timeout.ts'
import { modestTiers } from '../../lib/aws/tier.ts'
import { stagesOf } from '../../lib/define/tasks/task-stages.ts'
import { column, count, csv, delta, files, joinOf, parquet, rowsFrom, task, temporary } from '../../lib/index.ts'

const plain = task({
  name: 'plain',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: 'plain' }),
})
const item = (bytes: number) => ({ bytes, sliceCount: 1 })
const seconds = (given: typeof plain, ...bytes: number[]) =>
  batchTimeout(bytes.map(item), { task: given, tier: modestTiers[0], timeoutSeconds: 900 })

describe('the timeout of a batch', () => {
  it('grows with the largest batch of the plan, from a minute and a half to the time of the function', () => {
    expect(seconds(plain, 0)).toBe(91)
    expect(seconds(plain, 1e6, 100e6)).toBe(seconds(plain, 100e6))
    expect(seconds(plain, 100e6)).toBeGreaterThan(91)
    expect(seconds(plain, 100e6)).toBeLessThan(300)
    expect(seconds(plain, 5e9)).toBe(930)
  })

  it.each([delta({ path: 'plain', mode: 'append' }), temporary()])(
    'is the same for each output of parts (%o)',
    output => {
      const other = { ...plain, output } as unknown as typeof plain
      expect(seconds(other, 100e6)).toBe(seconds(plain, 100e6))
    },
  )

  it('follows from the bytes of each stage, also after an exchange and in a join', () => {
    const [first, second] = stagesOf(plain.reduce({ by: ['x'], measures: { n: count() } })) as [
      typeof plain,
      typeof plain,
    ]
    const joined = task({
      name: 'joined',
      source: joinOf({ left: plain, right: plain }, { on: ['x'], how: 'semi' }),
      output: parquet({ path: 'j' }),
    })
    for (const stage of [first, second, ...(stagesOf(joined) as (typeof plain)[])]) {
      expect(seconds(stage, 100e6)).toBe(seconds(plain, 100e6))
      expect(seconds(stage, 5e9)).toBe(930)
    }
    const mapped = stagesOf(plain.exchange({ by: ['x'] }).mapRows(({ x }) => ({ x }))) as (typeof plain)[]
    expect(mapped.map(stage => seconds(stage, 1))).toEqual([91, 930])
  })

  it('is that of the function where code of the user decides how long a batch takes', () => {
    expect(seconds(plain.mapRows(({ x }) => ({ x })) as typeof plain, 1)).toBe(930)
    const asked = { ...plain, source: rowsFrom({ partitions: [1], rows: async function* () {} }) } as typeof plain
    expect(seconds(asked, 1)).toBe(930)
  })
})
