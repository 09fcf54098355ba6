import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { TaskCode } from '../../lib/bundle/code-hash.ts'
import { keptHashes } from '../../lib/bundle/kept-hashes.ts'

const compute = vi.fn(({ task }: TaskCode) => (task === 'visits' ? 'a' : 'b').repeat(64))
const visits = { task: 'visits', exportedAs: 'visits', versions: ['fanmill@1.0.0'] }
let file: string

beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'fanmill-hashes-')), 'main.hashes.json')
  compute.mockClear()
  expect(keptHashes(file, 'text', compute)(visits)).toBe('a'.repeat(64))
})

describe('the code hashes of an earlier process', () => {
  it('are used for the same code, task, place and versions', () => {
    expect(keptHashes(file, 'text', compute)(visits)).toBe('a'.repeat(64))
    expect(compute).toHaveBeenCalledTimes(1)
    const hash = keptHashes(file, 'text', compute)
    for (const other of [
      { ...visits, versions: ['fanmill@1.0.1'] },
      { ...visits, exportedAs: 'other' },
      { task: 'b' },
    ]) {
      hash(other)
      hash(visits)
    }
    expect(compute).toHaveBeenCalledTimes(4)
  })

  it.each<[what: string, change: () => void, text: string]>([
    ['the code is another', () => undefined, 'other text'],
    ['the file is cut short', () => writeFileSync(file, readFileSync(file, 'utf8').slice(0, 90)), 'text'],
    ['a hash is none', () => writeFileSync(file, readFileSync(file, 'utf8').replace(/a{64}/, 'a')), 'text'],
    ['others may write the file', () => chmodSync(file, 0o666), 'text'],
  ])('are computed again where %s', (_, change, text) => {
    change()
    expect(keptHashes(file, text, compute)(visits)).toBe('a'.repeat(64))
    expect(compute).toHaveBeenCalledTimes(2)
    expect(keptHashes(file, text, compute)(visits)).toBe('a'.repeat(64))
    expect(compute).toHaveBeenCalledTimes(2)
  })

  it('are computed where they cannot be written', () => {
    const taken = join(file, '..', 'folder')
    mkdirSync(join(taken, 'full'), { recursive: true })
    expect(keptHashes(taken, 'text', compute)(visits)).toBe('a'.repeat(64))
  })
})
