/** The example, run into a temporary folder and compared with the Parquet file that its input was made from. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import pipeline from '../../examples/flights/pipeline.ts'
import { run } from '../../lib/index.ts'
import type { TaskResult } from '../../lib/model/events.ts'
import { preparedFlights } from './prepared.ts'
import { lines, partsOf, type Tally, tallyDataset, tallySource } from './tally.ts'

describe('the flights example', () => {
  let folder: string
  let input: string
  let first: TaskResult
  let expected: Tally

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanmill-flights-'))
    input = await preparedFlights()
    first = await runFlights()
    expected = await tallySource()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('reads and writes every flight of 1,341 members', () => {
    expect(first).toMatchObject({
      status: 'complete',
      members: 1341,
      rowsRead: 3_000_000,
      rowsWritten: 3_000_000,
      rowsRejected: 0,
    })
  })

  it('has the rows and sums of the original Parquet, by state, route and season', async () => {
    const actual = await tallyDataset(join(folder, 'out/flights'))
    expect(actual.size).toBeGreaterThan(1_000)
    expect(lines(actual)).toEqual(lines(expected))
  })

  it('writes at most two parts a state', async () => {
    const parts = new Map<string, number>()
    for (const { state } of await partsOf(join(folder, 'out/flights'))) parts.set(state, (parts.get(state) ?? 0) + 1)
    expect(parts.size).toBe(52)
    expect(Math.max(...parts.values())).toBeLessThanOrEqual(2)
  })

  it('writes _SUCCESS, which lists the parts', async () => {
    const manifest = JSON.parse(await readFile(join(folder, 'out/flights/_SUCCESS'), 'utf8'))
    expect(manifest.parts).toHaveLength((await partsOf(join(folder, 'out/flights'))).length)
  })

  it('is skipped as complete when run again', async () => {
    expect(await runFlights()).toMatchObject({ status: 'skipped', runId: first.runId })
  })

  const runFlights = async (): Promise<TaskResult> => {
    const result = await run(pipeline, { task: 'flights', input, output: join(folder, 'out') })
    expect(result.tasks).toHaveLength(1)
    return result.tasks[0]!
  }
})
