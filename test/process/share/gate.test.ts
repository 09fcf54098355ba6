import { describe, expect, it } from 'vitest'
import { createGate } from '../../../lib/process/share/gate.ts'

/** Creates work that ends on request, and records what happens in order. */
function works() {
  const events: string[] = []
  const make = (name: string) => {
    const end = Promise.withResolvers<void>()
    const work = async (): Promise<string> => {
      events.push(`${name} begins`)
      await end.promise
      events.push(`${name} ends`)
      return name
    }
    return { work, end: end.resolve, fail: end.reject }
  }
  return { events, make }
}

const turns = () => new Promise(resolve => setImmediate(resolve))

describe('createGate', () => {
  it('runs shared work at the same time, and exclusive work when all other work has ended', async () => {
    const { events, make } = works()
    const [a, b, alone, late] = [make('a'), make('b'), make('alone'), make('late')] as const
    const gate = createGate()
    const all = [gate.shared(a.work), gate.shared(b.work), gate.exclusive(alone.work), gate.shared(late.work)]
    await turns()
    expect(events).toEqual(['a begins', 'b begins'])
    a.end()
    await turns()
    expect(events).not.toContain('alone begins')
    b.end()
    await turns()
    expect(events.at(-1)).toBe('alone begins')
    alone.end()
    await turns()
    expect(events.slice(-2)).toEqual(['alone ends', 'late begins'])
    late.end()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'alone', 'late'])
  })

  it('continues after work that failed', async () => {
    const { make } = works()
    const [a, alone, other] = [make('a'), make('alone'), make('other')] as const
    const gate = createGate()
    const settled = Promise.allSettled([gate.shared(a.work), gate.exclusive(alone.work), gate.exclusive(other.work)])
    a.fail(new Error('a'))
    alone.fail(new Error('alone'))
    other.end()
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  })
})
