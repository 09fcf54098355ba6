import { expect, it } from 'vitest'
import { inferView } from '../../../lib/cli/view/infer-progress.ts'

function written(isTTY: boolean, columns = 80): string {
  const pieces: string[] = []
  const view = inferView({ isTTY, columns, write: (piece: string) => pieces.push(piece) > 0 } as never)
  view.show({ phase: 'read', done: 2, total: 16 })
  view.show({ phase: 'check', done: 400, total: 9000 })
  view.stop()
  return pieces.join('')
}

it('shows on one line of a terminal what infer is doing, and clears it', () => {
  const clear = '\r\u001b[K'
  const checking = 'reading the samples by what was found: 400 of 9,000 columns'
  expect(written(true)).toBe(`${clear}reading sample 3 of 16${clear}${checking}${clear}`)
  expect(written(true, 20)).toBe(`${clear}reading sample 3 of${clear}reading the samples${clear}`)
})

it('writes nothing when stderr is not a terminal', () => {
  expect(written(false)).toBe('')
})
