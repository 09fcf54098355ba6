/** Turns at an output: which execution works, which waits, and which are skipped. */
import { beforeEach, describe, expect, it } from 'vitest'
import { bindTurn, enterTurn, leaveStopped, leaveTurn, type TurnOptions } from '../../lib/runs/turn.ts'
import { type Owner, runKeys, stateBytes } from '../../lib/state/state.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'

const outputPath = 'points/2001-01'
const leaseMs = 60_000
let store = memoryStore()
beforeEach(() => {
  store = memoryStore()
})
const enter = (id: string, options: Partial<TurnOptions> = {}) =>
  enterTurn(store, { outputPath, id, wants: 'all', now: 0, leaseMs, ...options })

describe('turns', () => {
  it('let one execution work and one wait, and skip the others', async () => {
    expect(await enter('a')).toEqual({ status: 'go' })
    expect(await enter('b')).toMatchObject({ status: 'wait' })
    expect(await enter('c')).toEqual({ status: 'skip' })
    expect(await enter('a')).toEqual({ status: 'go' })
    expect(await enter('b')).toMatchObject({ status: 'wait' })
  })

  it('go to the waiting execution when given up, and its place to the next one', async () => {
    await enter('a')
    await enter('b')
    await leaveTurn(store, { outputPath, id: 'a' })
    expect(await enter('b')).toEqual({ status: 'go' })
    expect(await enter('c')).toMatchObject({ status: 'wait' })
  })

  it('cannot be given up by another execution', async () => {
    await enter('a')
    await leaveTurn(store, { outputPath, id: 'b' })
    expect(await enter('c')).toMatchObject({ status: 'wait' })
  })

  it('make a run that was started by hand wait, however many wait already', async () => {
    await enter('a')
    await enter('b')
    expect(await enter('c', { maySkip: false })).toMatchObject({ status: 'wait' })
  })

  it('skip no execution because of one that waits for other inputs', async () => {
    await enter('a', { wants: 'January' })
    await enter('b', { wants: 'February' })
    expect(await enter('c', { wants: 'March' })).toMatchObject({ status: 'wait' })
    expect(await enter('d', { wants: 'February' })).toEqual({ status: 'skip' })
    await leaveTurn(store, { outputPath, id: 'a' })
    expect(await enter('b', { wants: 'February' })).toEqual({ status: 'go' })
    expect(await enter('c', { wants: 'March' })).toMatchObject({ status: 'wait' })
    expect(await enter('e', { wants: 'March' })).toEqual({ status: 'skip' })
  })

  it('keep the place of a waiting execution for minutes, however long a turn is held', async () => {
    const minutes = (count: number) => ({ now: count * 60_000, leaseMs: 15 * 60_000 })
    await enter('a', minutes(0))
    await enter('b', minutes(0))
    for (const minute of [1, 2, 3, 4, 5]) await enter('b', minutes(minute))
    expect(await enter('c', minutes(6))).toEqual({ status: 'skip' })
    expect(await enter('c', minutes(10))).toMatchObject({ status: 'wait' })
    expect(await enter('b', { ...minutes(10), maySkip: false })).toMatchObject({ status: 'wait' })
  })

  it('let waiting executions request less often the longer the work takes, at most every 300 seconds', async () => {
    const at = (minutes: number) => ({ now: minutes * 60_000, leaseMs: 24 * 3600_000 })
    await enter('a', at(0))
    const waits = { next: [] as number[], queued: [] as number[] }
    for (const minute of [0, 1, 4, 8, 60, 600]) {
      for (const [name, id] of [
        ['next', 'b'],
        ['queued', 'c'],
      ] as const) {
        const turn = await enter(id, { ...at(minute), wants: id })
        if (turn.status === 'wait') waits[name].push(turn.waitMs / 1000)
      }
    }
    expect(waits).toEqual({ next: [1, 15, 60, 120, 300, 300], queued: [15, 30, 120, 240, 300, 300] })
  })

  it('give no place to a stopped execution whose function still requests one', async () => {
    await enter('a')
    await enter('b')
    await leaveStopped(store, 'b')
    expect(await enter('b')).toEqual({ status: 'skip' })
    expect(await enter('c')).toMatchObject({ status: 'wait' })
    await leaveTurn(store, { outputPath, id: 'a' })
    expect(await enter('b')).toEqual({ status: 'skip' })
    expect(await enter('c')).toEqual({ status: 'go' })
  })

  it('are taken from a stopped execution that works on a run, but not while it plans one', async () => {
    await enter('a')
    await leaveStopped(store, 'a')
    expect(await enter('b')).toMatchObject({ status: 'wait' })
    await bindTurn(store, { outputPath, id: 'a' }, { runId: 'r', attempt: 1 })
    await leaveStopped(store, 'a')
    expect(await enter('b')).toEqual({ status: 'go' })
  })

  it('wait for more uploads before the work begins, and not again after that', async () => {
    expect(await enter('a', { settleMs: 5000 })).toEqual({ status: 'wait', waitMs: 5000 })
    expect(await enter('b', { now: 1000, settleMs: 5000 })).toMatchObject({ status: 'wait' })
    expect(await enter('a', { now: 5000, settleMs: 5000 })).toEqual({ status: 'go' })
    expect(await enter('a', { now: 9000, settleMs: 5000 })).toEqual({ status: 'go' })
  })

  it('are taken over from an execution whose lease lapsed, or that is known to have ended', async () => {
    await enter('a')
    expect(await enter('b', { now: leaseMs })).toEqual({ status: 'go' })
    expect(await enter('c', { ended: ['b'] })).toEqual({ status: 'go' })
  })

  it('last as long as the lease of the run that they are bound to', async () => {
    const owner: Owner = { id: 'a', host: 'aws', startedAt: '' }
    const run = { runId: 'r', attempt: 1 }
    await enter('a')
    await bindTurn(store, { outputPath, id: 'a' }, run)
    await store.write(runKeys({ runId: 'r', attempt: 1 }).lease, stateBytes({ owner, leaseUntil: 5 * leaseMs }))
    expect(await enter('b', { now: 4 * leaseMs })).toMatchObject({ status: 'wait' })
    expect(await enter('b', { now: 5 * leaseMs })).toEqual({ status: 'go' })
  })

  it('are one turn and one place for many executions that request them at once', async () => {
    const turns = await Promise.all(Array.from({ length: 50 }, (_, index) => enter(`e${index}`)))
    const count = (status: string) => turns.filter(turn => turn.status === status).length
    expect([count('go'), count('wait'), count('skip')]).toEqual([1, 1, 48])
  })
})
