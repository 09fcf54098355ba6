/** The live view of a run. */
import { PassThrough } from 'node:stream'
import { expect, it, vi } from 'vitest'
import { runView } from '../../../lib/cli/view/progress.ts'
import { printSummary } from '../../../lib/cli/view/summary.ts'
import type { RunEvent } from '../../../lib/model/events.ts'

const events: readonly RunEvent[] = [
  {
    event: 'plan',
    task: 'trips',
    node: 'trips',
    runId: 'a',
    inputs: 1,
    members: 40,
    slices: 4,
    batches: 1,
    bytes: 80e6,
    bytesIn: 20e6,
  },
  {
    event: 'progress',
    task: 'trips',
    node: 'trips',
    runId: 'a',
    members: 10,
    bytes: 20e6,
    rowsWritten: 12_345,
    rowsRejected: 2,
  },
  { event: 'log', level: 'warn', message: 'odd \u001b[2J name', member: 'a.csv' },
]

type ProgressEvent = Extract<RunEvent, { event: 'progress' }>

async function drawn(isTTY: boolean, columns: number, shown = events): Promise<string> {
  const stream = Object.assign(new PassThrough(), { isTTY, columns })
  const view = await runView({ stream: stream as unknown as NodeJS.WriteStream })
  for (const event of shown) view.show(event)
  view.stop()
  return String(stream.read() ?? '')
}

it('draws bytes, rows, members, rate, time left and rejects on a terminal', async () => {
  const text = await drawn(true, 200)
  expect(text).toMatch(
    /trips \S+ 25 % · 20\.0 MB of 80\.0 MB · 12,345 rows · 10 of 40 members · \S+ MB\/s inflated · .+ · 2 rejects/,
  )
})

it('writes messages above the bar, with control characters of data as escapes', async () => {
  const text = (await drawn(true, 200)).replace('\u001b[33mwarn\u001b[39m', 'warn')
  expect(text).toContain('warn: a.csv: odd \\u001b[2J name\n')
  expect(text).not.toContain('\u001b[2J')
})

it('fits the line to the terminal', async () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes that place the cursor are taken out
  const lines = (await drawn(true, 40)).split(/\u001b\[\d*[A-Z]|\n/)
  expect(lines.find(line => line.startsWith('trips'))).toMatch(/^trips \S{10} 25 % · 2 rejects$/)
})

it('moves while work is running, with its phase and the rows so far', async () => {
  const underWay = { phase: 'convert', bytesStaged: 60e6, bytesConverted: 20e6, rowsSoFar: 20_000 } as const
  const [plan, progress] = events
  const text = await drawn(true, 200, [plan!, { ...(progress as ProgressEvent), bytes: 0, ...underWay }])
  expect(text).toMatch(/trips convert \S+ 50 % · 40\.0 MB of 80\.0 MB · 20,000 rows/)
})

it('shows nodes that run at once, and those that have ended as done', async () => {
  const next = { ...(events[1] as ProgressEvent), node: 'next(month=2001-01)', phase: 'plan' } as const
  const ended = { event: 'node', task: 'trips', node: 'trips', status: 'complete' } as RunEvent
  const text = await drawn(true, 200, [...events, next, ended])
  expect(text).toMatch(/trips done \S+ 100 %[\s\S]*next\(month=2001-01\) plan/)
})

it('ends with the rate of the summary, which is inflated bytes by the seconds of the task', async () => {
  const counts = { rowsRead: 9, rowsWritten: 9, rowsRejected: 0, rowsFiltered: 0, members: 40, parts: 1 }
  const bytes = { bytesIn: 9, bytesInflated: 79.6e6, bytesOut: 9 }
  const skipped = { membersSkipped: 0, partsSkipped: 0, rowGroupsSkipped: 0 }
  const name = { task: 'trips', node: 'trips', params: {}, runId: 'a', status: 'complete', output: 'out' } as const
  const result = { ...name, ...counts, ...bytes, ...skipped, seconds: 4 }
  expect(await drawn(true, 200, [...events, { event: 'node', ...result }])).toContain(' 19.9 MB/s inflated')
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  printSummary([result])
  const printed = write.mock.calls.join('')
  write.mockRestore()
  expect(printed).toMatch(/4\.00\D+19\.9\D/)
})

it('draws nothing when stderr is not a terminal', async () => {
  expect(await drawn(false, 200)).toBe('')
})
