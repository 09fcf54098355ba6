/** Passes on the messages of two copies of one share as if there were one: what either sends first counts, and once. */
import type { DoneCounts } from '../../model/events.ts'
import type { WorkerMessage } from '../../model/worker-job.ts'

type Forward = (message: WorkerMessage) => void

/** Limit on the remembered lines of a log; later ones are passed on from both copies. */
const linesMax = 10_000

const countNames = ['members', 'bytes', 'rowsWritten', 'rowsRejected'] as const

/** Returns a function that returns the handler of the messages of one more copy. */
export function createCopyMessages(): () => (message: WorkerMessage, forward: Forward) => void {
  const sent = { counts: zeroCounts(), lines: new Map<string, number>() }
  let copies = 0
  let endUnderWay: (() => void) | undefined
  return () => {
    const own = { counts: zeroCounts(), lines: new Map<string, number>() }
    const isFirst = copies++ === 0
    return (message, forward) => {
      if (message.kind === 'progress') {
        const news = countNews(message, own.counts, sent.counts)
        // Without news it still ends what the first copy has under way.
        if (isFirst || hasCounts(news) || !hasCounts(sent.counts)) forward({ kind: 'progress', ...news })
        if (!isFirst && hasCounts(news)) endUnderWay?.()
      } else if (message.kind === 'log') {
        if (isNewLine(JSON.stringify(message), own.lines, sent.lines)) forward(message)
      }
      // Work that is not finished is that of the first copy, or it would count twice.
      else if (isFirst) {
        endUnderWay = () => forward({ kind: 'underWay', bytesStaged: 0, bytesConverted: 0, rows: 0 })
        // Nor does it count what the other copy has finished.
        if (own.counts.bytes < sent.counts.bytes) endUnderWay()
        else forward(message)
      }
    }
  }
}

type Counts = { -readonly [K in keyof DoneCounts]: number }

const zeroCounts = (): Counts => ({ members: 0, bytes: 0, rowsWritten: 0, rowsRejected: 0 })

const hasCounts = (counts: Counts): boolean => countNames.some(name => counts[name] > 0)

/** Adds counts to those of a copy, and returns by how much they pass what was sent. */
function countNews(added: DoneCounts, own: Counts, sent: Counts): Counts {
  const news = zeroCounts()
  for (const name of countNames) {
    own[name] += added[name]
    news[name] = Math.max(0, own[name] - sent[name])
    sent[name] += news[name]
  }
  return news
}

function isNewLine(line: string, own: Map<string, number>, sent: Map<string, number>): boolean {
  if (!sent.has(line) && sent.size >= linesMax) return true
  const count = (own.get(line) ?? 0) + 1
  own.set(line, count)
  if (count <= (sent.get(line) ?? 0)) return false
  sent.set(line, count)
  return true
}
