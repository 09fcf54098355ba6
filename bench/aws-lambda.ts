/** Measures the overhead of a batch in a new process and in one that has processed a batch before. */
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { planOn, processOn } from './aws-run.ts'
import { type AwsStack, openStack } from './aws-stack.ts'
import type { FigureCase, Figures } from './figures.ts'
import { generate } from './generate.ts'
import { inputPath } from './inputs.ts'

/** Makes nine batches of the zip; eight of them have two slices, one for each thread. */
const groupBytes = 32 * 1024 * 1024
const rounds = 4

export const lambdaCase: FigureCase = {
  name: 'lambda',
  title: 'what one batch takes beside its work, cold and warm',
  async measure() {
    await generate('many')
    const entry = fileURLToPath(new URL('pipelines/orders.ts', import.meta.url))
    const stack = await openStack(entry, { groupBytes })
    try {
      return await measureOn(stack)
    } finally {
      await stack.close()
    }
  },
}

interface Timed {
  readonly wall: number
  readonly inside: number
}

async function measureOn(stack: AwsStack): Promise<Figures> {
  await stack.upload('many.zip', inputPath('many'))
  const planned = await planOn(stack)
  const alike = planned.items.filter(item => item.sliceCount === 2)
  const cold: Timed[] = []
  const warm: Timed[] = []
  const loads: number[] = []
  for (let round = 0; round < rounds; round++) {
    loads.push(loadavg()[0] ?? 0)
    await stack.chill()
    for (const [index, times] of [cold, warm].entries()) {
      const item = alike[2 * round + index]
      if (!item) throw new Error(`expected ${2 * rounds} batches of two slices, got ${alike.length}`)
      const start = performance.now()
      const { seconds } = await processOn(stack, planned, item)
      times.push({ wall: (performance.now() - start) / 1000, inside: seconds })
    }
  }
  const text = (alike[0]?.bytes ?? 0) / 1e6
  const more = median(cold.map(({ wall }) => wall)) - median(warm.map(({ wall }) => wall))
  return {
    says: [
      `Batches of ${text.toFixed(0)} MB of CSV on two threads, ${rounds} of each, while ${(median(loads)).toFixed(1)} processes wanted this machine's CPUs (more than it has make all of it slower); the asset is ${(stack.zippedBytes / 1e6).toFixed(1)} MB zipped. Outside of the work are the start of the process, the state that a batch reads first, and its outcome; a cold process also starts its threads and engines within the work. A cold batch took ${more.toFixed(1)} s longer than a warm one; on AWS, fetching the code comes to it, and requests take 10 to 50 ms in place of 3.`,
    ],
    tables: [
      {
        head: ['process', 'seconds in all', 'of the work', 'outside of it: min / **median** / max'],
        rows: [
          ['cold', ...cells(cold)],
          ['warm', ...cells(warm)],
        ],
      },
    ],
  }
}

function cells(times: readonly Timed[]): string[] {
  const outside = times.map(({ wall, inside }) => wall - inside)
  const range = [Math.min(...outside), `**${median(outside).toFixed(2)}**`, Math.max(...outside)]
  const shown = range.map(each => (typeof each === 'number' ? each.toFixed(2) : each)).join(' / ')
  return [median(times.map(each => each.wall)).toFixed(2), median(times.map(each => each.inside)).toFixed(2), shown]
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}
