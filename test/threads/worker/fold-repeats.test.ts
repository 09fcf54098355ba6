/** Repeated log lines. */
import { expect, it } from 'vitest'
import { type FoldableLine, foldRepeats } from '../../../lib/threads/worker/fold-repeats.ts'

function folded(
  act: (add: (message: string, repeats?: number) => void, flush: () => void) => void,
): [string, number?][] {
  const sent: [string, number?][] = []
  const folder = foldRepeats<FoldableLine>(
    ({ message, repeats }) => void sent.push(repeats === undefined ? [message] : [message, repeats]),
  )
  const add = (message: string, repeats?: number) =>
    folder.add({ level: 'info', message, ...(repeats !== undefined && { repeats }) })
  act(add, folder.flush)
  folder.flush()
  return sent
}

it('logs a line at once, and its repeats as a count when flushed', () => {
  const sent = folded((add, flush) => {
    for (let row = 0; row < 1_000_000; row++) add('odd')
    add('even')
    flush()
    add('odd')
  })
  expect(sent).toEqual([['odd'], ['even'], ['odd', 999_999], ['odd']])
})

it('adds counts of other threads', () => {
  expect(folded(add => [add('odd'), add('odd', 10), add('odd')])).toEqual([['odd'], ['odd', 11]])
})

it('remembers a bounded number of lines', () => {
  const sent = folded(add => {
    for (let row = 0; row < 5000; row++) {
      add(`row ${row}`)
      add(`row ${row}`)
    }
  })
  expect(sent).toHaveLength(10_000)
})
