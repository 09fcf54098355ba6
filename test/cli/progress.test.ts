/** The live view of a run. */
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { runView } from '../../lib/cli/progress.ts'
import type { RunEvent } from '../../lib/core/events.ts'

const events: readonly RunEvent[] = [
  {
    event: 'plan',
    task: 'trips',
    run: 'a',
    archives: 1,
    members: 40,
    slices: 4,
    batches: 1,
    bytes: 80e6,
    bytesIn: 20e6,
  },
  { event: 'progress', task: 'trips', run: 'a', members: 10, bytes: 20e6, rowsWritten: 12_345, rowsRejected: 2 },
  { event: 'log', level: 'warn', message: 'odd \u001b[2J name', member: 'a.csv' },
]

async function drawn(isTTY: boolean, columns: number): Promise<string> {
  const stream = Object.assign(new PassThrough(), { isTTY, columns })
  const view = await runView({ stream: stream as unknown as NodeJS.WriteStream })
  for (const event of events) view.show(event)
  view.stop()
  return String(stream.read() ?? '')
}

it('draws bytes, rows, members, rate, time left and rejects on a terminal', async () => {
  const text = await drawn(true, 200)
  expect(text).toMatch(
    /trips \S+ 25 % · 20\.0 MB of 80\.0 MB · 12,345 rows · 10 of 40 members · \S+ MB\/s · .+ · 2 rejects/,
  )
})

it('writes messages above the bar, without the commands to the terminal that data may hold', async () => {
  const text = await drawn(true, 200)
  expect(text).toContain('warn: a.csv: odd \\u001b[2J name\n')
  expect(text).not.toContain('\u001b[2J')
})

it('cuts the line to the terminal', async () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes that place the cursor are taken out
  const lines = (await drawn(true, 40)).split(/\u001b\[\d*[A-Z]|\n/)
  expect(Math.max(...lines.filter(line => line.startsWith('trips')).map(line => line.length))).toBe(39)
})

it('draws nothing where there is no terminal', async () => {
  expect(await drawn(false, 200)).toBe('')
})
