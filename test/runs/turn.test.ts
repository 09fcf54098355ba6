/** Turns at an output: who works, who waits, and who may go. */
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
  it('lets one work, one wait and sends the rest away', async () => {
    expect(await enter('a')).toEqual({ status: 'go' })
    expect(await enter('b')).toMatchObject({ status: 'wait' })
    expect(await enter('c')).toEqual({ status: 'skip' })
    expect(await enter('a')).toEqual({ status: 'go' })
    expect(await enter('b')).toMatchObject({ status: 'wait' })
  })

  it('gives the turn to who waits when it is left, and the place to the next', async () => {
    await enter('a')
    await enter('b')
    await leaveTurn(store, { outputPath, id: 'a' })
    expect(await enter('b')).toEqual({ status: 'go' })
    expect(await enter('c')).toMatchObject({ status: 'wait' })
  })

  it('lets nobody leave the turn of another', async () => {
    await enter('a')
    await leaveTurn(store, { outputPath, id: 'b' })
    expect(await enter('c')).toMatchObject({ status: 'wait' })
  })

  it('makes a run by hand wait, however many do', async () => {
    await enter('a')
    await enter('b')
    expect(await enter('c', { maySkip: false })).toMatchObject({ status: 'wait' })
  })

  it('sends nobody away for one that waits for other inputs', async () => {
    await enter('a', { wants: 'January' })
    await enter('b', { wants: 'February' })
    expect(await enter('c', { wants: 'March' })).toMatchObject({ status: 'wait' })
    expect(await enter('d', { wants: 'February' })).toEqual({ status: 'skip' })
    await leaveTurn(store, { outputPath, id: 'a' })
    expect(await enter('b', { wants: 'February' })).toEqual({ status: 'go' })
    expect(await enter('c', { wants: 'March' })).toMatchObject({ status: 'wait' })
    expect(await enter('e', { wants: 'March' })).toEqual({ status: 'skip' })
  })

  it('keeps the place of who waits for minutes, however long a turn is held', async () => {
    const minutes = (count: number) => ({ now: count * 60_000, leaseMs: 15 * 60_000 })
    await enter('a', minutes(0))
    await enter('b', minutes(0))
    for (const minute of [1, 2, 3, 4, 5]) await enter('b', minutes(minute))
    expect(await enter('c', minutes(6))).toEqual({ status: 'skip' })
    expect(await enter('c', minutes(10))).toMatchObject({ status: 'wait' })
    expect(await enter('b', { ...minutes(10), maySkip: false })).toMatchObject({ status: 'wait' })
  })

  it('lets those who wait ask more rarely the longer the work takes, at most every 300 seconds', async () => {
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

  it('gives no place to who was stopped, though its function asks on', async () => {
    await enter('a')
    await enter('b')
    await leaveStopped(store, 'b')
    expect(await enter('b')).toEqual({ status: 'skip' })
    expect(await enter('c')).toMatchObject({ status: 'wait' })
    await leaveTurn(store, { outputPath, id: 'a' })
    expect(await enter('b')).toEqual({ status: 'skip' })
    expect(await enter('c')).toEqual({ status: 'go' })
  })

  it('takes the turn of who was stopped when it works on a run, not while it plans one', async () => {
    await enter('a')
    await leaveStopped(store, 'a')
    expect(await enter('b')).toMatchObject({ status: 'wait' })
    await bindTurn(store, { outputPath, id: 'a' }, { runId: 'r', attempt: 1 })
    await leaveStopped(store, 'a')
    expect(await enter('b')).toEqual({ status: 'go' })
  })

  it('waits for more uploads before the work begins, and not again after that', async () => {
    expect(await enter('a', { settleMs: 5000 })).toEqual({ status: 'wait', waitMs: 5000 })
    expect(await enter('b', { now: 1000, settleMs: 5000 })).toMatchObject({ status: 'wait' })
    expect(await enter('a', { now: 5000, settleMs: 5000 })).toEqual({ status: 'go' })
    expect(await enter('a', { now: 9000, settleMs: 5000 })).toEqual({ status: 'go' })
  })

  it('takes over from an execution that gave no sign of life, or is known to have ended', async () => {
    await enter('a')
    expect(await enter('b', { now: leaseMs })).toEqual({ status: 'go' })
    expect(await enter('c', { ended: ['b'] })).toEqual({ status: 'go' })
  })

  it('lasts as long as the lease of the run that it is bound to', async () => {
    const owner: Owner = { id: 'a', host: 'aws', startedAt: '' }
    const run = { runId: 'r', attempt: 1 }
    await enter('a')
    await bindTurn(store, { outputPath, id: 'a' }, run)
    await store.write(runKeys('r', 1).lease, stateBytes({ owner, leaseUntil: 5 * leaseMs }))
    expect(await enter('b', { now: 4 * leaseMs })).toMatchObject({ status: 'wait' })
    expect(await enter('b', { now: 5 * leaseMs })).toEqual({ status: 'go' })
  })

  it('gives one turn and one place to many who ask at once', async () => {
    const turns = await Promise.all(Array.from({ length: 50 }, (_, index) => enter(`e${index}`)))
    const count = (status: string) => turns.filter(turn => turn.status === status).length
    expect([count('go'), count('wait'), count('skip')]).toEqual([1, 1, 48])
  })
})
