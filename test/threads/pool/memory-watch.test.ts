import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { heapCeiling, memoryCeiling } from '../../../lib/threads/pool/machine-memory.ts'
import { watchMemory } from '../../../lib/threads/pool/memory-watch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A watch over a process that takes `bytes`, and what it called. */
function watched(machineBytes = 10_000e6) {
  const state = { bytes: 0, calls: [] as string[] }
  const watch = watchMemory({
    ...{ bytesMax: 1000e6, machineBytes, taken: () => state.bytes },
    onOver: error => state.calls.push(`over: ${error.message}`),
    onLost: error => state.calls.push(`lost: ${error.code}`),
  })
  return { state, watch }
}

describe('a process that uses more memory than its limit', () => {
  it('is reported at each check, for jobs that begin meanwhile, with the limit and the size', () => {
    const { state, watch } = watched()
    watch.begin()
    vi.advanceTimersByTime(500)
    expect(state.calls).toEqual([])
    state.bytes = 1200e6
    vi.advanceTimersByTime(500)
    expect(state.calls.length).toBeGreaterThan(1)
    expect(state.calls[0]).toMatch(/at most 1,000 MB.*got 1,200 MB.*raise --memory/)
  })

  it('is reported as lost when the size does not fall in time', () => {
    const { state, watch } = watched()
    watch.begin()
    state.bytes = 1200e6
    vi.advanceTimersByTime(5000)
    expect(state.calls.at(-1)).toBe('lost: OUT_OF_MEMORY')
  })

  it('is not lost when it was over the limit for a short time, twice', () => {
    const { state, watch } = watched()
    watch.begin()
    for (const bytes of [1200e6, 500e6, 1200e6, 500e6]) {
      state.bytes = bytes
      vi.advanceTimersByTime(2000)
    }
    expect(state.calls.filter(call => call.startsWith('lost'))).toEqual([])
  })

  it('is reported as lost at once when the machine has little memory left', () => {
    const { state, watch } = watched(1200e6)
    watch.begin()
    state.bytes = 1150e6
    vi.advanceTimersByTime(100)
    expect(state.calls.at(-1)).toBe('lost: OUT_OF_MEMORY')
  })

  it('is reported as lost at once when the heap of a thread may reach its limit', () => {
    const { state, watch } = watched()
    watch.begin()
    state.bytes = 1600e6
    vi.advanceTimersByTime(100)
    expect(state.calls.at(-1)).toBe('lost: OUT_OF_MEMORY')
  })

  it('is not watched between jobs, and is reported again in the next one', () => {
    const { state, watch } = watched()
    watch.begin()
    state.bytes = 1200e6
    vi.advanceTimersByTime(500)
    watch.end()
    const { length } = state.calls
    vi.advanceTimersByTime(5000)
    expect(state.calls).toHaveLength(length)
    watch.begin()
    vi.advanceTimersByTime(500)
    expect(state.calls).toHaveLength(2 * length)
  })
})

it('sets the limit far above the budget and below the memory of the machine', () => {
  expect(memoryCeiling(600, 24e9)).toBe(1456e6)
  expect(memoryCeiling(16_000, 24e9)).toBe(20e9)
  expect(memoryCeiling(3000, 3e9)).toBe(3e9)
})

it('sets the limit on a heap above the size at which a process is lost, and below 2 GiB where memory is short', () => {
  expect(heapCeiling(956e6)).toBe(1912e6)
  expect(heapCeiling(1456e6)).toBe(2047 * 1024 * 1024)
  // With --memory 700.
  expect(heapCeiling(1656e6)).toBe(2047 * 1024 * 1024)
  expect(heapCeiling(20e9)).toBe(40e9)
})
