/** The line of a task's bar. */
import { expect, it } from 'vitest'
import { type BarState, barText } from '../../../lib/cli/view/bar-text.ts'

const state: BarState = {
  node: 'trips',
  phase: 'convert',
  plan: { members: 40, bytes: 80e6, atMs: 0 },
  ...{ members: 10, bytes: 20e6, rows: 12_345, rejects: 0, startedAtMs: 0 },
}
const draw = (fraction: number, width: number): string => '#'.repeat(Math.round(fraction * width)).padEnd(width, '-')
const line = (columns: number, change: Partial<BarState> = {}): string =>
  barText({ ...state, ...change }, { columns, nowMs: 2000, draw })

it('shows phase, bytes, rows, members, rate, time left and rejects on a wide terminal', () => {
  expect(line(160)).toBe(
    'trips convert ######------------------ 25 % · 20.0 MB of 80.0 MB · 12,345 rows · 10 of 40 members · 10.0 MB/s inflated · 6 s left · 0 rejects',
  )
})

it('leaves out whole parts on a narrow terminal, and never cuts one', () => {
  expect(line(80)).toBe('trips convert ###------- 25 % · 20.0 MB of 80.0 MB · 12,345 rows · 6 s left')
  expect(line(60)).toBe('trips convert ###------- 25 % · 20.0 MB of 80.0 MB')
  expect(line(45)).toBe('trips convert ###------- 25 % · 6 s left')
  expect(line(40)).toBe('trips convert ###------- 25 %')
  expect(line(24)).toBe('trips convert 25 %')
  expect(line(8)).toBe('25 %')
  const parts = line(300).split(' · ')
  for (let columns = 30; columns < 200; columns++) {
    const shown = line(columns).split(' · ').slice(1)
    expect(line(columns).length).toBeLessThan(columns)
    expect(parts).toEqual(expect.arrayContaining(shown))
  }
})

it('keeps the rejects longest when there are some', () => {
  expect(line(50, { rejects: 2 })).toBe('trips convert ###------- 25 % · 2 rejects')
})

it('names the phase while the run is planned and committed, when nothing is left to convert', () => {
  expect(line(80, { phase: 'plan', plan: undefined })).toBe('trips plan')
  expect(line(80, { phase: 'merge' })).toContain('trips merge ###')
  const committing = line(160, { phase: 'commit', bytes: 79.9e6, startedAtMs: 1000 })
  expect(committing).toContain('trips commit ######################## 100 %')
  expect(committing).toContain('79.9 MB/s inflated')
  expect(committing).not.toContain('left')
})

it('names no phase for a run on AWS, whose phase is unknown', () => {
  expect(line(80, { phase: undefined })).toMatch(/^trips ###------- 25 % · /)
})
