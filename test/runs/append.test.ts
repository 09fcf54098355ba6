import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../lib/model/outcome/manifest.ts'
import type { InputObject } from '../../lib/model/plan-data.ts'
import { planAppend } from '../../lib/runs/append.ts'

const input = (key: string, identity: string, etag: string): InputObject => ({ key, identity, etag, sizeBytes: 4 })

/** The part of a manifest that an append reads. */
const listing = (...inputs: InputObject[]) => ({ runs: [{ runId: 'run', inputs }] }) as unknown as Manifest

describe('an append', () => {
  const manifest = listing(input('a', 'etag:first', ''), input('b', 'crc32:AAAA', ''))

  it('leaves out inputs that the dataset holds, whichever way they were identified then', () => {
    const given = [input('a', 'crc32:BBBB', 'first'), input('b', 'crc32:AAAA', 'second'), input('c', 'etag:c', 'c')]
    expect(planAppend(given, manifest, false).inputs.map(({ key }) => key)).toEqual(['c'])
  })

  it('leaves out inputs of a run that has lost some partitions to another one', () => {
    const runs = [{ runId: 'run', inputs: [input('a', 'A', '')], isReplaced: true }]
    const given = [input('a', 'A', ''), input('b', 'B', '')]
    expect(planAppend(given, { runs } as unknown as Manifest, false).inputs.map(({ key }) => key)).toEqual(['b'])
  })

  it('refuses another version of an input that the dataset holds', () => {
    expect(() => planAppend([input('a', 'crc32:BBBB', 'second')], manifest, false)).toThrow(
      expect.objectContaining({ code: 'INPUT_ALREADY_APPENDED' }),
    )
  })
})
