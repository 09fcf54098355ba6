import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import {
  checkMemory,
  defaultMemoryMb,
  defaultWorkers,
  isAlive,
  shareMemory,
  thisOwner,
} from '../../../lib/threads/pool/machine.ts'
import { projectWith } from '../../local/project.ts'

const project = projectWith({ workers: 2 })

const mebibyte = 1024 * 1024

describe('a budget of memory', () => {
  it('is refused where it is less than so many workers need, and says how much they do', () => {
    expect(() => checkMemory(400, 2)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringMatching(
          /^expected at least \d+ MB for 2 workers, got 400; give more memory or fewer workers$/,
        ),
      }),
    )
    const [, needed] = /at least (\d+) MB/.exec(messageOf(() => checkMemory(1, 4))) ?? []
    expect(() => checkMemory(Number(needed), 4)).not.toThrow()
    expect(() => checkMemory(Number(needed) - 1, 4)).toThrow('got')
    expect(() => checkMemory(Number(needed), 3)).not.toThrow()
  })

  it('is shared out whole, and never beyond itself', () => {
    for (const [memoryMb, workers] of [
      [520, 2],
      [800, 2],
      [2000, 2],
      [16_000, 8],
    ] as const) {
      const { engineBytes, textBytes } = shareMemory(memoryMb, workers)
      expect(workers * (engineBytes + textBytes)).toBeLessThan(memoryMb * 1e6)
      expect(engineBytes).toBeGreaterThanOrEqual(128 * mebibyte)
      expect(textBytes).toBeGreaterThanOrEqual(16 * mebibyte)
    }
  })

  it('decides how many workers there are by default, at least one', () => {
    expect(defaultWorkers(100)).toBe(1)
    expect(defaultWorkers(1e6)).toBe(availableParallelism())
    for (const memoryMb of [400, 600, 1000, defaultMemoryMb()]) {
      const workers = defaultWorkers(memoryMb)
      if (workers > 1) expect(() => checkMemory(memoryMb, workers)).not.toThrow()
    }
  })

  it('is refused before a run begins', async () => {
    const some = project('not looked at')
    await expect(some.run({ memoryMb: 200 })).rejects.toMatchObject({
      code: 'USAGE',
      detail: { memoryMb: 200, workers: 2 },
    })
    expect(some.outputFiles()).toEqual([])
  })
})

function messageOf(call: () => void): string {
  try {
    call()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('the process of an owner', () => {
  it('is this one, and not an earlier one with its number or one of another machine', () => {
    const owner = thisOwner()
    expect(isAlive(owner)).toBe(existsSync('/proc') ? true : undefined)
    expect(isAlive({ ...owner, ticks: '1' })).toBe(!existsSync('/proc'))
    expect(isAlive({ ...owner, ticks: undefined })).toBeUndefined()
    expect(isAlive({ ...owner, host: 'another' })).toBeUndefined()
    expect(isAlive({ ...owner, pid: 2 ** 22 + 1 })).toBe(false)
  })
})
