/** Turns at an output: who works, who waits, and who may go. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Owner, runKeys, stateBytes } from '../../lib/core/state.ts'
import { memoryStore } from '../../lib/io/memory-store.ts'
import { bindTurn, enterTurn, leaveTurn, type TurnOptions } from '../../lib/steps/turn.ts'

const outputPath = 'points/2001-01'
const leaseMs = 60_000
let store = memoryStore()
beforeEach(() => {
  store = memoryStore()
})
const enter = (id: string, options: Partial<TurnOptions> = {}) =>
  enterTurn(store, { outputPath, id, now: 0, leaseMs, ...options })

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
