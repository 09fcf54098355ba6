import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, outputHashOf, runIdOf, shortHash } from '../../../lib/model/run/identity.ts'

const run = {
  outputPath: 'flights',
  task: 'flights',
  params: { month: '2001-01' },
  codeHash: 'code',
  inputs: [
    { key: 'a.zip', sizeBytes: 1, identity: 'A' },
    { key: 'b.zip', sizeBytes: 2, identity: 'B' },
  ],
}

describe('canonical JSON', () => {
  it('is valid JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('does not depend on the order of names, nor on names without a value', () => {
    expect(canonicalJson({ b: 1, a: [{ d: null, c: 'x' }], z: undefined })).toBe('{"a":[{"c":"x","d":null}],"b":1}')
  })
})

describe('a run', () => {
  it('has the same id in any order of its inputs, whatever else is known of them', () => {
    const inputs = [...run.inputs].reverse().map(input => ({ ...input, etag: 'other' }))
    expect(runIdOf({ ...run, inputs })).toBe(runIdOf(run))
    expect(runIdOf(run)).toMatch(/^[0-9a-f]{16}$/)
  })

  it('has the first digits of the hash of its canonical JSON as its id', () => {
    const { inputs, ...rest } = run
    for (const some of [inputs, inputs.slice(1), []]) {
      const upstream = [{ key: 'k', identity: 'i', node: 'n' }]
      const whole = { ...rest, inputs: some, upstream: [{ key: 'k', identity: 'i' }] }
      expect(runIdOf({ ...rest, inputs: some, upstream })).toBe(shortHash(canonicalJson(whole)))
      expect(runIdOf({ ...rest, inputs: some })).toBe(shortHash(canonicalJson({ ...rest, inputs: some })))
    }
  })

  it('has another id when anything changes that its rows depend on', () => {
    const others = [
      { ...run, outputPath: 'other' },
      { ...run, task: 'other' },
      { ...run, params: { month: '2001-02' } },
      { ...run, params: {} },
      { ...run, codeHash: 'other' },
      { ...run, inputs: run.inputs.slice(1) },
      { ...run, inputs: [{ key: 'a.zip', sizeBytes: 1, identity: 'A2' }, ...run.inputs.slice(1)] },
    ]
    expect(new Set([run, ...others].map(runIdOf)).size).toBe(others.length + 1)
    expect(outputHashOf('flights')).not.toBe(outputHashOf('flights/x'))
  })
})
