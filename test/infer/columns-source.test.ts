import { expect, it } from 'vitest'
import { csv } from '../../lib/define/index.ts'
import { definitionSource } from '../../lib/infer/columns-source.ts'

const sourceOf = (count: number): string => {
  const columns = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`c${index}`, { type: 'string' as const }]),
  )
  return definitionSource({ columns, unreadable: {} }, csv())
}

it('adds a note above more than 10,000 columns, the most that a task declares', () => {
  expect(sourceOf(10_000)).toMatch(/^columns: /)
  expect(sourceOf(10_001)).toMatch(/^\/\/ a task declares at most 10,000 columns: keep those that you need\ncolumns: /)
})
